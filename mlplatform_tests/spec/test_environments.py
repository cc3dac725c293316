"""Gates differ by environment, field by field, and a wrong environment is found before it is used."""

from pathlib import Path

import pytest

from mlplatform.errors import SpecError
from mlplatform.gates import policy_hash
from mlplatform.spec import load_pipeline, load_pipelines, validate
from mlplatform.spec.environments import in_environment
from mlplatform.verdict import Severity
from mlplatform_tests.small import CENSUS, change

BASE = {
    "name": "loans",
    "source": {"kind": "csv", "files": ["a.csv"]},
    "columns": {"x": "float64", "sex": "string", "y": "string"},
    "label": {"column": "y", "positive": "1"},
    "data_gates": {"row_count": {"minimum": 500, "severity": "warn"}},
    "model_gates": {"latency": {"severity": "warn"}},
    "environments": {
        "staging": {},
        "production": {
            "data_gates": {"row_count": {"minimum": 9000}},
            "model_gates": {
                "latency": {"severity": "block"},
                "artifact_size": {"max_megabytes": 9},
            },
        },
    },
}


def spec(**more):
    return validate({**BASE, **more}, Path("defs.yaml"))


def test_an_environment_changes_the_fields_it_names_and_no_others():
    plain, production = spec(), in_environment(spec(), "production")
    row_count = production.data_gates.row_count
    assert (row_count.minimum, row_count.severity) == (9000, Severity.WARN)
    assert production.model_gates.latency.severity is Severity.BLOCK
    assert production.model_gates.artifact_size.max_megabytes == 9
    assert production.model_gates.budget == plain.model_gates.budget
    assert production.feature_gates == plain.feature_gates
    named = {"data_gates", "model_gates", "environments"}
    assert production.model_dump(exclude=named) == plain.model_dump(exclude=named)


def test_gates_of_another_environment_are_another_policy():
    hashes = {
        name: policy_hash(in_environment(spec(), name)) for name in ("", "staging", "production")
    }
    assert hashes[""] == hashes["staging"] == policy_hash(spec(environments={}))
    assert hashes["production"] != hashes[""]


def test_without_a_name_or_a_declaration_the_spec_is_as_written():
    assert in_environment(spec(), "") == spec()
    undeclared = spec(environments={})
    assert in_environment(undeclared, "anywhere") == undeclared


def test_an_environment_that_is_not_declared_is_an_error_naming_those_that_are():
    with pytest.raises(SpecError, match=r"loans: .* 'prod'.*; known: staging, production"):
        in_environment(spec(), "prod")


WRONG = {
    r"environments.production.model_gates.latancy: no such gate; known: .*latency": {
        "model_gates": {"latancy": {}}
    },
    r"environments.production.model_gates.artifact_size.max_mb: no such field; known: .*max_megabytes": {
        "model_gates": {"artifact_size": {"max_mb": 1}}
    },
    r"environments.production.model_gates.artifact_size.max_megabytes: got -1; .*greater than 0": {
        "model_gates": {"artifact_size": {"max_megabytes": -1}}
    },
    r"environments.production.data_gates.freshness.severity: got 'loud'; .*'block' or 'warn'": {
        "data_gates": {"freshness": {"severity": "loud"}}
    },
    r"environments.production: data_gates.missing_values.columns names the column 'z'": {
        "data_gates": {"missing_values": {"columns": {"z": 0.1}}}
    },
    r"attributes.environments.production.split: no such field": {"split": {}},
}


@pytest.mark.parametrize("why", WRONG)
def test_every_declared_environment_is_checked_wherever_the_spec_is_loaded(why):
    with pytest.raises(SpecError, match=rf"defs.yaml: {why}"):
        spec(environments={"staging": {}, "production": WRONG[why]})


def test_pipelines_are_loaded_as_they_are_in_an_environment(tmp_path: Path):
    folder = tmp_path / "census_income"
    folder.mkdir()
    limits = {"production": {"model_gates": {"artifact_size": {"max_megabytes": 3}}}}
    change(folder, template=CENSUS / "defs.yaml", environments=limits)
    [loaded] = load_pipelines(tmp_path, "production")
    assert loaded.spec.model_gates.artifact_size.max_megabytes == 3
    assert load_pipeline(folder).spec.model_gates.artifact_size.max_megabytes != 3
    with pytest.raises(SpecError, match="known: production"):
        load_pipeline(folder, "staging")
