"""What a study may search is known when the spec is read; each mistake is one line."""

from typing import Any

import pytest

from mlplatform.errors import SpecError
from mlplatform.spec.space import METRICS, is_whole, space_of
from mlplatform_tests.features import people

MLP = {"family": "mlp", "hidden": [8], "epochs": 3}
INF, NAN = float("inf"), float("nan")
STEPS = {"low": 0, "high": 0.1, "step": 0.0001}
HUGE = {"dropout": STEPS, "weight_decay": STEPS}
BLEND = {"family": "blend", "members": {"net": MLP, "trees": {"family": "gbdt", "trees": 5}}}


def made(tmp_path, model=None, **tuning: Any):
    return people.pipeline(tmp_path, model=model or MLP, tuning={"trials": 3, **tuning}).spec


@pytest.mark.parametrize(
    ("model", "fields"),
    [
        (MLP, ["learning_rate", "weight_decay", "dropout"]),
        ({"family": "linear"}, ["learning_rate", "weight_decay"]),
        ({"family": "gbdt"}, ["learning_rate", "leaves", "min_rows_a_leaf", "feature_share"]),
        (
            BLEND,
            [
                *(f"members.net.{n}" for n in ("learning_rate", "weight_decay", "dropout")),
                "members.trees.learning_rate",
                "members.trees.leaves",
                "members.trees.min_rows_a_leaf",
                "members.trees.feature_share",
            ],
        ),
    ],
)
def test_every_family_has_a_space_of_its_own(tmp_path, model, fields):
    spec = made(tmp_path, model)
    assert list(space_of(spec.model, spec.tuning)) == fields


def test_a_declared_space_replaces_the_usual_one(tmp_path):
    space = {
        "numeric.bins": {"low": 8, "high": 64, "step": 8},
        "hidden": {"choices": [[8], [16, 16]]},
        "gradient_clip": {"choices": [None, 1.0]},
    }
    spec = made(tmp_path, {**MLP, "numeric": {}}, space=space)
    assert list(space_of(spec.model, spec.tuning)) == list(space)
    whole = [is_whole(spec.model, path) for path in ("numeric.bins", "epochs", "learning_rate")]
    assert whole == [True, True, False]


@pytest.mark.parametrize(
    ("tuning", "said"),
    [
        ({"metric": "rmse"}, "tuning.metric 'rmse' is none of this task's: log_loss, auc, accurac"),
        ({"sampler": "best"}, "tuning.sampler 'best' is unknown; known: cmaes, gp, grid, qmc, ran"),
        ({"sampler": "gp"}, "tuning.sampler 'gp' needs the package 'torch', which is not install"),
        ({"pruner": "axe"}, "attributes.tuning.pruner: got 'axe'; Input should be 'none', 'media"),
        ({"storage": "postgresql://u:hunter2@h/db"}, "tuning.storage is sqlite, env:NAME of a va"),
        ({"storage": "journal:../x"}, "tuning.storage is sqlite"),
        ({"space": {}}, "tuning.space is empty: nothing to try"),
        ({"space": {"rate": {"low": 0, "high": 1}}}, "tuning.space.rate: model has no field 'rat"),
        ({"space": {"family": {"choices": ["mlp"]}}}, "model has no field 'family' to search"),
        ({"space": {"numeric.bins": {"low": 2, "high": 9}}}, "model.numeric is not set; set it"),
        ({"space": {"dropout": {"low": 0.2, "high": 0.1}}}, r"dropout: 0.2 to 0.1 holds nothing"),
        ({"space": {"dropout": {"low": 0.2, "high": 1.5}}}, r"dropout: the field refuses 1.5: Inp"),
        ({"space": {"dropout": {"low": 0, "high": 0.5, "log": True}}}, "log needs a low above 0"),
        ({"space": {"dropout": {"low": 0}}}, "tuning.space.dropout: needs low and high, or choic"),
        ({"space": {"hidden": {"choices": []}}}, "tuning.space.hidden: choices are empty"),
        ({"space": {"hidden": {"choices": [[8], [0]]}}}, r"hidden: the field refuses \[0\]: Inpu"),
        ({"space": {"hidden": {"low": 8, "high": 9}}}, "hidden: the field refuses 8"),
        ({"space": {"hidden": {"choices": [[8]], "low": 1}}}, "choices go without low, high"),
        ({"space": {"epochs": {"low": 1.5, "high": 3}}}, "tuning.space.epochs: 1.5 is no whole n"),
        ({"space": {"epochs": {"low": 1, "high": 3, "by": 2}}}, "tuning.space.epochs.by: no such"),
        ({"space": {"dropout": {"low": 0, "high": INF}}}, "space.dropout.high: got inf; Input sho"),
        (
            {"space": {"dropout": {"low": NAN, "high": 1}}},
            "space.dropout.low: got nan; Input shoul",
        ),
        ({"space": {"learning_rate": {"choices": [0.1, INF]}}}, "learning_rate: inf is no number"),
        (
            {"space": {"epochs": {"low": 1, "high": 3, "step": 5}}},
            "a step of 5 leaves nothing betw",
        ),
        ({"space": {"dropout": {"choices": [0.1, 0.1]}}}, "the choices 0.1 and 0.1 are the same"),
        ({"space": {"dropout": {"choices": [0.1, "0.10"]}}}, "choices 0.1 and '0.10' are the same"),
        ({"space": {"hidden": {"choices": [[8], [9], ["8"]]}}}, r"\[8\] and \['8'\] are the same"),
        (
            {"space": HUGE, "sampler": "grid"},
            "a grid of 1,002,001 points, and 100,000 are the most",
        ),
        (
            {"sampler": "grid", "storage": "journal:x"},
            "tuning.sampler 'grid' is for one process: t",
        ),
        ({"sampler": "grid"}, "tuning.space.learning_rate: a grid needs choices or a step"),
    ],
)
def test_a_study_that_cannot_be_is_one_line(tmp_path, tuning, said):
    with pytest.raises(SpecError, match=said) as caught:
        made(tmp_path, **tuning)
    assert "defs.yaml: " in str(caught.value)
    assert "\n" not in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_a_field_within_a_blend_is_checked_as_its_member_would(tmp_path):
    made(tmp_path, BLEND, space={"members.trees.leaves": {"low": 4, "high": 8}})
    with pytest.raises(SpecError, match=r"members.trees.leaves: the field refuses 1: Input"):
        made(tmp_path, BLEND, space={"members.trees.leaves": {"low": 1, "high": 8}})
    with pytest.raises(SpecError, match=r"model.members has no field 'wood' to search: net, trees"):
        made(tmp_path, BLEND, space={"members.wood.leaves": {"low": 4, "high": 8}})
    with pytest.raises(SpecError, match="name one of its fields"):
        made(tmp_path, BLEND, space={"members.trees": {"choices": [1]}})


def test_the_first_metric_of_a_task_is_its_own():
    firsts = [next(iter(metrics)) for metrics in METRICS.values()]
    assert firsts == ["log_loss", "log_loss", "rmse", "pinball"]


@pytest.mark.parametrize("task", ["regression", "quantiles"])
@pytest.mark.parametrize(
    ("path", "values"),
    [
        ("calibration", {"choices": ["none", "isotonic"]}),
        ("class_weights", {"choices": ["none", "balanced"]}),
        ("label_smoothing", {"low": 0.0, "high": 0.2}),
        ("members.net.label_smoothing", {"low": 0.0, "high": 0.2}),
    ],
)
def test_what_has_no_meaning_for_the_task_is_not_searched(tmp_path, task, path, values):
    sections = people.OTHER_TASKS[task]
    model = BLEND if "members" in path else MLP
    tuning = {"trials": 3, "space": {path: values}}
    with pytest.raises(SpecError, match=rf"tuning.space.{path}: .* is for classes; label.task is"):
        people.pipeline(tmp_path, model=model, tuning=tuning, **sections)


def test_a_study_does_not_stream(tmp_path):
    streamed = {**MLP, "input": "stream"}
    assert people.pipeline(tmp_path, model=streamed).spec.model.input == "stream"
    with pytest.raises(
        SpecError, match=r"model.input is 'stream', and a study reads all rows into"
    ):
        made(tmp_path, streamed)
    blend = {"family": "blend", "members": {"net": MLP, "other": streamed}}
    with pytest.raises(SpecError, match=r"model.members.other.input is 'stream', and a study re"):
        made(tmp_path, blend)
