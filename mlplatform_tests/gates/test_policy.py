import pytest

from mlplatform.gates import policy_hash, required
from mlplatform.gates.policy import judging
from mlplatform.spec import PipelineSpec
from mlplatform.spec.data_gates import DataGates
from mlplatform.spec.section import Gate

BASE = {
    "name": "loans",
    "source": {"kind": "csv", "files": ["a.csv"]},
    "columns": {"x": "float64", "sex": "string", "at": "timestamp", "y": "string"},
    "label": {"column": "y", "positive": "1"},
    "groups": ["sex"],
}


def spec(**more):
    return PipelineSpec.model_validate({**BASE, **more})


def test_every_gate_is_required_by_default_each_of_its_subject():
    wanted = required(spec())
    assert {gate for gate, subject in wanted.items() if subject == "evaluation"} == {
        *("performance", "regression", "fairness", "calibration", "behaviour"),
        *("latency", "throughput", "artifact_size", "data_integrity"),
    }
    assert {gate for gate, subject in wanted.items() if subject == "features"} == {
        "availability",
        "feature_leakage",
    }
    assert {gate for gate, subject in wanted.items() if subject == "model"} == {
        "budget",
        "training_serving_skew",
    }
    assert wanted["malformed_rows"] == "source"
    assert wanted["overlap"] == "split"
    of_dataset = {gate for gate, subject in wanted.items() if subject == "dataset"}
    everything = {name for name, field in DataGates() if isinstance(field, Gate)}
    assert of_dataset == everything - {"malformed_rows", "overlap"}


def test_a_gate_that_warns_is_not_required():
    loose = spec(
        data_gates={"freshness": {"severity": "warn"}},
        feature_gates={"availability": {"severity": "warn"}},
        model_gates={"latency": {"severity": "warn"}},
    )
    assert set(required(spec())) - set(required(loose)) == {"freshness", "latency", "availability"}


def test_fairness_is_required_only_where_groups_are_declared():
    assert "fairness" not in required(spec(groups=[]))


CLASSES = {"column": "y", "task": "multiclass", "classes": ["a", "b", "c"]}
NUMBER = {"column": "x", "task": "regression"}


def test_fairness_judges_classes_and_numbers_where_these_have_a_limit():
    assert "fairness" in required(spec())
    for label, judged in ((CLASSES, True), (NUMBER, False)):
        assert ("fairness" in required(spec(label=label))) is judged
    limit = {"fairness": {"max_error_ratio": 1.5}}
    assert "fairness" in required(spec(label=NUMBER, model_gates=limit))


def test_what_has_nothing_to_judge_is_not_required():
    """A model that nobody serves needs no throughput; one without groups and cases has no behaviour to try."""
    unserved = {"throughput": {"min_requests_per_second": None}}
    assert "throughput" not in required(spec(model_gates=unserved))
    assert "behaviour" not in required(spec(groups=[]))
    assert "reproducibility" not in required(spec())


def test_every_gate_judges_one_subject():
    subjects = ("source", "dataset", "split", "features", "model", "evaluation")
    names = [name for subject in subjects for name in judging(spec(), subject)]
    assert len(names) == len(set(names))
    assert set(required(spec())) <= set(names)


@pytest.mark.parametrize(
    "change",
    [
        {"model_gates": {"performance": {"metrics": {"accuracy": {"minimum": 0.5}}}}},
        {"data_gates": {"row_count": {"minimum": 2}}},
        {"data_gates": {"freshness": {"severity": "warn"}}},
        {"feature_gates": {"training_serving_skew": {"max_ulps": 4}}},
        {"feature_gates": {"availability": {"severity": "warn"}}},
        {"event_time": "at"},
        {"groups": []},
        {"label": {"column": "y", "positive": "0"}},
        {"label": CLASSES},
        {"model_gates": {"regression": {"margin": 0.02}}},
    ],
)
def test_another_policy_has_another_hash(change):
    assert policy_hash(spec(**change)) != policy_hash(spec())


@pytest.mark.parametrize(
    "times", [{"known_at": {"x": "at"}}, {"events": {"past": {"event_time": "at"}}}]
)
def test_when_things_were_known_is_policy(times):
    assert policy_hash(spec(event_time="at", **times)) != policy_hash(spec(event_time="at"))


def test_what_is_no_policy_does_not_change_its_hash():
    assert policy_hash(spec(description="new", model={"epochs": 3})) == policy_hash(spec())


def test_the_order_in_which_limits_are_written_does_not_matter():
    one, two = (
        spec(data_gates={"missing_values": {"columns": columns}})
        for columns in ({"x": 0.1, "sex": 0.2}, {"sex": 0.2, "x": 0.1})
    )
    assert policy_hash(one) == policy_hash(two)
