"""A wrong spec gives one line: file, field, value and what was expected."""

from pathlib import Path
from typing import Any

import pytest

from mlplatform.errors import SpecError
from mlplatform.spec import load_pipeline, load_pipelines, spec_digest
from mlplatform.spec.data_gates import DataGates
from mlplatform.spec.model_gates import ModelGates
from mlplatform_tests.small import CENSUS, change


def wrong(tmp_path: Path, **changes: Any) -> str:
    change(tmp_path, template=CENSUS / "defs.yaml", **changes)
    with pytest.raises(SpecError) as raised:
        load_pipeline(tmp_path)
    message = str(raised.value)
    assert "\n" not in message
    assert message.startswith(f"{tmp_path}/defs.yaml: ")
    return message


def test_the_shipped_pipeline_is_valid():
    assert load_pipeline(CENSUS).name == "census_income"


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"model__epochs": 0}, "attributes.model.epochs: got 0; Input should be greater than"),
        ({"model__epochs": "many"}, "attributes.model.epochs: got 'many'; Input should be a valid"),
        ({"model__epoch": 5}, "attributes.model.epoch: no such field"),
        (
            {"model__family": "forest"},
            "attributes.model.family: got 'forest'; Input should be 'linear', 'mlp'",
        ),
        ({"groups": ["gender"]}, "groups names the column 'gender'; columns: age, workclass"),
        ({"label__column": "salary"}, "label.column names the column 'salary'"),
        ({"unused__ssn": "private"}, "unused names the column 'ssn'"),
        (
            {"split__test_files": ["other.csv"]},
            "split.test_files names 'other.csv', which is not in",
        ),
        ({"name": "Census Income"}, "attributes.name: got 'Census Income'"),
        ({"rollout__canary_percent": 101}, "attributes.rollout.canary_percent: got 101"),
        (
            {"model_gates__performance__severity": "maybe"},
            "got 'maybe'; Input should be 'block' or",
        ),
        ({"source": {"files": ["a.csv"]}}, "attributes.source.kind: missing; one of csv, jsonl"),
        (
            {"source": {"kind": "excel"}},
            "attributes.source.kind: got 'excel'; Input should be 'csv'",
        ),
        ({"source__delimiter": "::"}, "attributes.source.delimiter: got '::'"),
        ({"source__delimiter": "\n"}, "attributes.source.delimiter: got "),
        ({"source__delimiter": '"'}, "source.delimiter and source.quote are both"),
        ({"source__files": ["data/../../x.csv"]}, "attributes.source.files: got "),
        ({"source__files": ["data/a\nb.csv"]}, "Input should be a path of printable characters"),
        ({"source__load": "upsert"}, "name the columns that identify a row in key"),
        ({"event_time": "age"}, "event_time 'age' is not declared as timestamp"),
        ({"key": ["ssn"]}, "key names the column 'ssn'"),
        ({"columns__row_id": "int64"}, "columns.row_id: the platform adds this column"),
        ({"columns__age": "number"}, "attributes.columns.age: got 'number'"),
        ({"known_after__ssn": "later"}, "known_after names the column 'ssn'"),
        ({"split": {"by": "group"}}, "name the entity's column in split.group"),
        ({"split": {"by": "time"}}, "set split.validation_from and split.test_from"),
        (
            {"split": {"by": "time", "validation_from": "2013-01-01", "test_from": "2013-02-01"}},
            "split instants need a time zone",
        ),
        (
            {"data_gates__value_ranges__columns": {"age": [90, 17]}},
            "value_ranges.columns.age: 90 is above 17",
        ),
        ({"data_gates__value_ranges__columns": {"wage": [0, 1]}}, "names the column 'wage'"),
        ({"data_gates__label_leakage__allow__ssn": "x"}, "names the column 'ssn'"),
        ({"triggers__schedule__cron": "every monday"}, "attributes.triggers.schedule.cron"),
        ({"triggers__schedule__timezone": "Mars/Base"}, "attributes.triggers.schedule.timezone"),
        ({"retention__report_days": 0}, "attributes.retention.report_days: got 0"),
        ({"retention__grace_days": None}, "attributes.retention.grace_days: got None"),
        ({"retention__live_days": 3}, "attributes.retention.live_days: no such field"),
        ({"retention__optimize": {"cron": "nightly"}}, "attributes.retention.optimize.cron"),
    ],
)
def test_a_wrong_field_is_named_with_its_value_and_what_was_expected(
    tmp_path: Path, changes: dict[str, Any], says: str
):
    assert says in wrong(tmp_path, **changes)


SQL = {"kind": "sql", "connection": "WAREHOUSE", "query": "select * from people"}


@pytest.mark.parametrize(
    ("sql", "says"),
    [
        (
            {"connection": "postgresql://me:secret@host/db"},
            "source.connection: got a value not shown here; Input should name an",
        ),
        ({}, "source.load 'append' of a query needs source.cursor"),
        ({"load": "full", "query": "select * from p where t > :since"}, "name the column it is in"),
        ({"cursor": "age"}, "source.query needs :since, since source.cursor is 'age'"),
        (
            {"cursor": "born", "query": "select 1 where b > :since"},
            "source.cursor names the column",
        ),
    ],
)
def test_a_query_needs_a_cursor_to_append(tmp_path: Path, sql: dict[str, Any], says: str):
    message = wrong(tmp_path, source=SQL | sql, split__test_files=[])
    assert says in message
    assert "secret" not in message


def test_empty_gates_are_the_default_gates(tmp_path: Path):
    change(tmp_path, template=CENSUS / "defs.yaml", data_gates=None, model_gates=None)
    spec = load_pipeline(tmp_path).spec
    assert spec.data_gates == DataGates()
    assert spec.model_gates == ModelGates()


def test_a_missing_field_is_named(tmp_path: Path):
    (tmp_path / "defs.yaml").write_text("type: assets.MLPipeline\nattributes: {name: x}\n")
    with pytest.raises(SpecError, match=r"attributes\.source: missing"):
        load_pipeline(tmp_path)


@pytest.mark.parametrize("text", ["a: [", "- just\n- a list\n", "type: other\n", ""])
def test_a_file_that_is_no_component_says_so(tmp_path: Path, text: str):
    (tmp_path / "defs.yaml").write_text(text)
    with pytest.raises(SpecError, match=r"defs\.yaml: (not valid YAML|expected `type)"):
        load_pipeline(tmp_path)


def test_a_folder_without_pipelines_says_what_was_expected(tmp_path: Path):
    with pytest.raises(SpecError, match=r"expected <name>/defs\.yaml"):
        load_pipelines(tmp_path)


def test_two_pipelines_may_not_share_a_name(tmp_path: Path):
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        change(tmp_path / folder, template=CENSUS / "defs.yaml")
    with pytest.raises(SpecError, match="both call themselves 'census_income'"):
        load_pipelines(tmp_path)


def test_the_digest_of_a_section_ignores_other_sections(tmp_path: Path):
    before = load_pipeline(CENSUS).spec
    change(
        tmp_path,
        template=CENSUS / "defs.yaml",
        model_gates__performance__metrics__accuracy__minimum=0.5,
    )
    after = load_pipeline(tmp_path).spec
    assert spec_digest(before, "model") == spec_digest(after, "model")
    assert spec_digest(before, "model_gates") != spec_digest(after, "model_gates")
