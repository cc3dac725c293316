"""Every family and every task can be tuned."""

import pytest

from mlplatform.spec.families import Blend
from mlplatform.spec.space import METRICS
from mlplatform.train.data import prepare
from mlplatform.train.fit import fit_data
from mlplatform.tune.around import Surroundings
from mlplatform.tune.engine import SAMPLERS
from mlplatform.tune.study import search
from mlplatform_tests.features import people
from mlplatform_tests.tune.conftest import made, rows

NET = {"family": "linear", "epochs": 2}
TREES = {"family": "gbdt", "trees": 8, "leaves": 4}


@pytest.mark.parametrize("task", ["multiclass", "regression", "quantiles"])
def test_every_task_is_tuned_by_its_own_metric(tmp_path, task):
    pipeline = people.pipeline(
        tmp_path, model=NET, tuning={"trials": 2}, **people.OTHER_TASKS[task]
    )
    data = prepare(pipeline, people.labelled(pipeline), people.encoder())
    study = search(pipeline, data)
    own = next(iter(METRICS[task]))
    assert (study.metric, study.direction) == (own, "minimize")
    measured = [name for name in study.trials.column_names if name.startswith("validation_")]
    assert measured == [f"validation_{name}" for name in METRICS[task]]
    assert all(study.trials[name].null_count == 0 for name in measured)
    lower = study.trials[f"validation_{own}"].to_pylist()
    assert study.best_trial == lower.index(min(lower))


def test_trees_are_tuned_each_trial_a_fit(tmp_path):
    pytest.importorskip("lightgbm")
    told = []
    pipeline = made(tmp_path, 3, model=TREES, tuning={"pruner": "hyperband"})
    study = search(pipeline, rows(), Surroundings(on_trial=told.append))
    assert study.trials["state"].to_pylist() == ["complete"] * 3
    assert [one.done for one in told] == [1, 2, 3]
    best = study.trials["validation_log_loss"].to_pylist()[study.best_trial]
    assert fit_data(pipeline, rows(), study.best).validation["log_loss"] == best


def test_members_of_a_blend_are_tuned_by_their_names(tmp_path):
    pytest.importorskip("lightgbm")
    model = {"family": "blend", "members": {"net": NET, "trees": TREES}}
    space = {
        "members.trees.learning_rate": {"low": 0.02, "high": 0.3, "log": True},
        "members.net.epochs": {"choices": [1, 2]},
    }
    study = search(made(tmp_path, 3, model=model, tuning={"space": space}), rows())
    assert isinstance(study.best, Blend)
    row = study.trials.to_pylist()[study.best_trial]
    assert study.best.members["trees"].learning_rate == row["members.trees.learning_rate"]
    assert str(study.best.members["net"].epochs) == row["members.net.epochs"]
    assert study.best.members["trees"].trees == TREES["trees"]


def test_what_decided_it_is_told_once_there_are_enough_trials(tmp_path):
    space = {
        "learning_rate": {"low": 1e-5, "high": 0.1, "log": True},
        "weight_decay": {"low": 1e-9, "high": 1e-8},
    }
    tuning = {"space": space, "sampler": "random"}
    assert search(made(tmp_path, 5, tuning=tuning), rows()).importances == {}
    found = search(made(tmp_path, 40, tuning=tuning), rows()).importances
    assert list(found) == ["learning_rate", "weight_decay"]
    assert found["learning_rate"] > 0.8
    assert sum(found.values()) == pytest.approx(1)


def test_the_spec_knows_the_samplers_that_there_are():
    from mlplatform.spec.tuning import SAMPLERS as NAMED

    assert list(SAMPLERS) == list(NAMED)
