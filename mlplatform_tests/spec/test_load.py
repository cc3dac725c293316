"""A wrong spec gives one line: file, field, value and what was expected."""

from pathlib import Path
from typing import Any

import pytest

from mlplatform.errors import SpecError
from mlplatform.spec import load_pipeline, load_pipelines, spec_digest
from mlplatform_tests.small import CENSUS, change


def wrong(tmp_path: Path, **changes: Any) -> str:
    change(tmp_path, source=CENSUS / "defs.yaml", **changes)
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
            "attributes.model.family: got 'forest'; Input should be 'mlp'",
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
        ({"model_gates__accuracy__severity": "maybe"}, "got 'maybe'; Input should be 'block' or"),
        ({"triggers__schedule__cron": "every monday"}, "attributes.triggers.schedule.cron"),
        ({"triggers__schedule__timezone": "Mars/Base"}, "attributes.triggers.schedule.timezone"),
    ],
)
def test_a_wrong_field_is_named_with_its_value_and_what_was_expected(
    tmp_path: Path, changes: dict[str, Any], says: str
):
    assert says in wrong(tmp_path, **changes)


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
        change(tmp_path / folder, source=CENSUS / "defs.yaml")
    with pytest.raises(SpecError, match="both call themselves 'census_income'"):
        load_pipelines(tmp_path)


def test_the_digest_of_a_section_ignores_other_sections(tmp_path: Path):
    before = load_pipeline(CENSUS).spec
    change(tmp_path, source=CENSUS / "defs.yaml", model_gates__accuracy__minimum=0.5)
    after = load_pipeline(tmp_path).spec
    assert spec_digest(before, "model") == spec_digest(after, "model")
    assert spec_digest(before, "model_gates") != spec_digest(after, "model_gates")
