from pathlib import Path

import pytest

from mlplatform.errors import SpecError
from mlplatform.spec import validate

BINARY = {"column": "y", "positive": "1"}
CLASSES = {"column": "y", "task": "multiclass", "classes": ["a", "b", "c"]}
NUMBER = {"column": "z", "task": "regression"}


def spec(fairness=None, label=None, groups=("sex",), **more):
    said = {
        "name": "loans",
        "source": {"kind": "csv", "files": ["a.csv"]},
        "columns": {"sex": "string", "race": "string", "y": "string", "z": "float64"},
        "label": label or BINARY,
        "groups": list(groups),
        "model_gates": {"fairness": fairness or {}},
        **more,
    }
    return validate(said, Path("defs.yaml"))


def test_a_group_is_no_label_and_is_named_once():
    with pytest.raises(SpecError, match="groups names the label 'y'"):
        spec(groups=["sex", "y"])
    with pytest.raises(SpecError, match="groups names the column 'sex' twice"):
        spec(groups=["sex", "race", "sex"])


@pytest.mark.parametrize(
    ("label", "fairness", "judged"),
    [
        (CLASSES, {"min_disparate_impact": 0.8}, "max_accuracy_gap"),
        (CLASSES, {"max_equalized_odds": 0.1}, "max_accuracy_gap"),
        (CLASSES, {"max_demographic_parity": 0.1}, "max_accuracy_gap"),
        (NUMBER, {"max_accuracy_gap": 0.05}, "max_error_ratio"),
        (NUMBER, {"intersections": {"max_accuracy_gap": 0.05}}, "max_error_ratio"),
        (BINARY, {"max_error_ratio": 1.5}, "min_disparate_impact"),
    ],
)
def test_a_limit_that_is_never_judged_of_the_label_is_refused(label, fairness, judged):
    with pytest.raises(SpecError, match=f"is never judged of a .*judged: .*{judged}") as wrong:
        spec(fairness, label)
    assert "\n" not in str(wrong.value)


@pytest.mark.parametrize(
    ("label", "fairness"),
    [
        (CLASSES, {"max_accuracy_gap": 0.2, "max_equalized_odds": None}),
        (
            NUMBER,
            {"max_error_ratio": 1.5, "intersections": {"max_error_ratio": 2, "max_increase": 0.2}},
        ),
        (BINARY, {"min_disparate_impact": 0.8, "intersections": None}),
        (NUMBER, {}),
    ],
)
def test_limits_that_mean_something_are_taken(label, fairness):
    spec(fairness, label)


@pytest.mark.parametrize(
    ("limits", "why"),
    [
        ({"accuracy": 0.2}, "intersections names 'accuracy'; known: max_accuracy_gap"),
        ({"max_accuracy_gap": 3}, "intersections.max_accuracy_gap: got 3"),
    ],
)
def test_limits_of_intersections_are_those_there_are(limits, why):
    with pytest.raises(SpecError, match=why):
        spec({"intersections": limits})


def test_what_an_environment_changes_is_held_to_the_same():
    live = {"live": {"model_gates": {"fairness": {"max_error_ratio": 1.5}}}}
    with pytest.raises(SpecError, match=r"environments.live.*never judged of a binary label"):
        spec(environments=live)
