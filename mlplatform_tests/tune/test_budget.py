"""A study ends where its budget does, with the best so far, and says so."""

import pytest

from mlplatform.errors import TrainingError
from mlplatform.spec.families import Gbdt
from mlplatform.tune.around import Surroundings
from mlplatform.tune.study import search
from mlplatform_tests.features import people
from mlplatform_tests.tune.conftest import made, rows

STEPS = 11  # An epoch's: 180 training rows in batches of 16.
MODEL = {"hidden": [8], "epochs": 3, "batch_size": 16}


def test_steps_of_all_trials_are_counted(tmp_path):
    pipeline = made(tmp_path, 9, model=MODEL, budget={"steps": 8 * STEPS})
    study = search(pipeline, rows())
    assert study.stopped_by == "budget.steps of 88 reached"
    assert study.spent["steps"] == 8 * STEPS
    assert study.trials["state"].to_pylist() == ["complete", "complete", "pruned"]
    assert study.trials["epochs_trained"].to_pylist() == [3, 3, 2]
    assert study.trials["failure"].to_pylist() == [None, None, study.stopped_by]
    losses = study.trials["validation_log_loss"].to_pylist()
    assert study.best_trial == losses.index(min(losses[:2]))


def test_a_larger_budget_goes_on_with_what_was_cut_short(tmp_path):
    around = Surroundings(folder=tmp_path / "studies", identity="people")
    search(made(tmp_path, 5, model=MODEL, budget={"steps": 8 * STEPS}), rows(), around)
    more = made(tmp_path, 5, model=MODEL, budget={"steps": 99 * STEPS})
    study = search(more, rows(), around)
    assert study.trials.equals(search(made(tmp_path, 5, model=MODEL), rows()).trials)


def test_the_best_so_far_is_taken_where_none_is_complete(tmp_path):
    study = search(made(tmp_path, 5, model=MODEL, budget={"steps": STEPS}), rows())
    assert study.trials["state"].to_pylist() == ["pruned"]
    assert study.best_trial == 0


def test_a_budget_without_a_single_epoch_is_an_error(tmp_path):
    pipeline = made(tmp_path, 5, model=MODEL, budget={"steps": STEPS - 1})
    with pytest.raises(
        TrainingError, match=r"people: budget.steps of 10 reached before a trial had"
    ):
        search(pipeline, rows())


def test_seconds_end_a_study_of_any_family(tmp_path):
    """The clock is looked at before each trial at least."""
    pytest.importorskip("lightgbm")
    model = {"family": "gbdt", "trees": 5, "leaves": 4}
    pipeline = people.pipeline(
        tmp_path, model=model, tuning={"trials": 100_000}, budget={"wall_seconds": 3}
    )
    study = search(pipeline, rows())
    assert study.stopped_by == "budget.wall_seconds of 3 reached"
    assert isinstance(study.best, Gbdt)
    assert 0 < study.trials.num_rows < 100_000


@pytest.mark.parametrize("storage", ["sqlite", "journal:people.log"])
def test_processes_one_after_another_have_one_budget(tmp_path, storage):
    around = Surroundings(folder=tmp_path / "studies", identity="people")
    tuning = {"storage": storage, "batch": 1}
    pipeline = made(tmp_path, 6, model=MODEL, budget={"steps": 4 * STEPS}, tuning=tuning)
    first, again, more = (search(pipeline, rows(), around) for _ in range(3))
    assert {study.stopped_by for study in (first, again, more)} == {"budget.steps of 44 reached"}
    assert (again.spent["steps"], more.spent["steps"]) == (44, 44)
    complete = first.trials["state"].to_pylist().count("complete")
    assert more.trials["state"].to_pylist().count("complete") == complete == 1
