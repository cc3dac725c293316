"""A study tries settings of one model, replays, and says what it did otherwise than asked."""

from types import SimpleNamespace

import pytest

from mlplatform.errors import SpecError, TrainingError
from mlplatform.spec.space import METRICS
from mlplatform.train import trainer
from mlplatform.train.fit import fit_data
from mlplatform.tune import batch, networks
from mlplatform.tune.around import Surroundings, line
from mlplatform.tune.study import search
from mlplatform_tests.tune.conftest import made, rows

SEARCHED = ("learning_rate", "weight_decay", "dropout")


def test_two_equal_studies_are_equal(tmp_path):
    first = search(made(tmp_path, 12), rows())
    again = search(made(tmp_path, 12), rows())
    assert again.trials.equals(first.trials)
    assert again.best == first.best
    assert first.trials["trial"].to_pylist() == list(range(12))
    assert set(first.trials["state"].to_pylist()) == {"complete"}


@pytest.mark.parametrize(
    ("sampler", "pruner"),
    [
        ("tpe", "none"),
        ("tpe", "successive_halving"),
        ("random", "hyperband"),
        ("qmc", "median"),
    ],
)
def test_a_study_is_made_again_from_its_table_without_training(tmp_path, sampler, pruner):
    tuning = {"sampler": sampler, "pruner": pruner, "batch": 5}
    pipeline = made(tmp_path, 13, tuning=tuning)
    first = search(pipeline, rows())
    told = []
    again = search(pipeline, rows(), Surroundings(on_trial=told.append), replay=first.trials)
    assert again.trials.equals(first.trials)
    assert again.best == first.best
    assert told == []


def test_another_seed_tries_other_values(tmp_path):
    first, other = (
        search(made(tmp_path, 2, tuning={"seed": seed}), rows()).trials["learning_rate"].to_pylist()
        for seed in (0, 1)
    )
    assert not set(first) & set(other)


@pytest.mark.parametrize("metric", METRICS["binary"])
def test_the_best_model_is_the_one_of_the_best_trial(tmp_path, metric):
    pipeline = made(tmp_path, tuning={"metric": metric})
    study = search(pipeline, rows())
    assert study.direction == METRICS["binary"][metric]
    measured = study.trials[f"validation_{metric}"].to_pylist()
    best = (min if study.direction == "minimize" else max)(measured)
    assert study.best_trial == measured.index(best)
    row = study.trials.slice(study.best_trial, 1).to_pylist()[0]
    assert {n: getattr(study.best, n) for n in SEARCHED} == {n: row[n] for n in SEARCHED}
    trained = fit_data(pipeline, rows(), study.best)
    assert trained.validation[metric] == best
    assert trained.fitted.best == row["best_epoch"]


def test_a_trial_is_measured_as_its_model_would_be_served(tmp_path):
    pipeline = made(tmp_path, 3, model={"hidden": [8], "epochs": 2, "calibration": "temperature"})
    study = search(pipeline, rows())
    trained = fit_data(pipeline, rows(), study.best)
    best = study.trials["validation_log_loss"].to_pylist()[study.best_trial]
    assert trained.validation["log_loss"] == pytest.approx(best, rel=1e-6)


def test_trials_that_differ_in_traced_settings_share_one_program(tmp_path):
    space = {
        "learning_rate": {"low": 1e-3, "high": 1e-2, "log": True},
        "weight_decay": {"low": 0, "high": 1e-3},
        "dropout": {"low": 0, "high": 0.5},
        "label_smoothing": {"low": 0, "high": 0.2},
        "warmup_epochs": {"low": 0, "high": 1},
        "average": {"low": 0.5, "high": 0.9},
        "gradient_clip": {"low": 0.5, "high": 5},
        "early_stopping": {"low": 1, "high": 3},
        "seed": {"low": 0, "high": 9},
    }
    model = {"hidden": [8], "epochs": 3, "average": 0.5, "gradient_clip": 1.0}
    pipeline = made(tmp_path, 6, model=model, tuning={"space": space})
    trainer.segment.clear_cache()
    assert search(pipeline, rows()).trials.num_rows == 6
    assert trainer.segment._cache_size() == 1


def test_each_shape_is_compiled_once(tmp_path):
    space = {"hidden": {"choices": [[4], [4, 4]]}, "learning_rate": {"low": 1e-3, "high": 1e-2}}
    trainer.segment.clear_cache()
    study = search(made(tmp_path, 8, tuning={"space": space, "sampler": "random"}), rows())
    tried = study.trials["hidden"].to_pylist()
    assert set(tried) == {"[4]", "[4, 4]"}
    assert trainer.segment._cache_size() == 2
    assert study.best.hidden in ([4], [4, 4])


def test_a_grid_is_tried_point_by_point_and_no_further(tmp_path):
    space = {
        "optimizer": {"choices": ["adamw", "sgd"]},
        "epochs": {"low": 1, "high": 2},
        "dropout": {"low": 0.0, "high": 0.3, "step": 0.1},
    }
    space["epochs"]["step"] = 1
    study = search(made(tmp_path, 100, tuning={"space": space, "sampler": "grid"}), rows())
    tried = study.trials.select(list(space)).to_pylist()
    assert len(tried) == len({tuple(row.values()) for row in tried}) == 16
    assert study.notes == ("the grid has 16 points: 16 trials and not 100",)


@pytest.mark.parametrize("pruner", ["successive_halving", "hyperband", "median"])
def test_a_pruner_gives_up_trials_before_their_last_epoch(tmp_path, pruner):
    model = {"hidden": [8], "epochs": 9, "batch_size": 64}
    space = {"learning_rate": {"low": 1e-5, "high": 3e-2, "log": True}}
    tuning = {"pruner": pruner, "batch": 9, "space": space, "sampler": "random"}
    study = search(made(tmp_path, 27, model=model, tuning=tuning), rows())
    states = study.trials["state"].to_pylist()
    assert states.count("pruned") > 5
    for row in study.trials.to_pylist():
        assert len(row["reports"]) == row["epochs_trained"]
        assert (row["state"] == "pruned") == (row["epochs_trained"] < 9)
        assert row["validation_log_loss"] == pytest.approx(min(row["reports"]), abs=1e-6)


def test_survivors_are_trained_as_if_there_were_no_pruner(tmp_path):
    """The schedule's horizon is all epochs, whoever is given up on the way."""
    model = {"hidden": [8], "epochs": 4}
    tuning = {"sampler": "random", "batch": 6}
    pruned = search(
        made(tmp_path, 6, model=model, tuning={**tuning, "pruner": "successive_halving"}), rows()
    )
    whole = search(made(tmp_path, 6, model=model, tuning=tuning), rows())
    for one, other in zip(pruned.trials.to_pylist(), whole.trials.to_pylist(), strict=True):
        assert one["reports"] == other["reports"][: one["epochs_trained"]]


def test_a_diverged_trial_is_a_row_and_not_the_end(tmp_path):
    """The sampler starts anywhere in the range, and most of this one diverges."""
    space = {"learning_rate": {"low": 1e-3, "high": 1e30, "log": True}}
    told = []
    study = search(
        made(tmp_path, 8, tuning={"space": space}), rows(), Surroundings(on_trial=told.append)
    )
    failures = study.trials["failure"].to_pylist()
    assert any(failure and "is not finite in epoch" in failure for failure in failures)
    assert [one.record.failure for one in told] == failures
    assert [state == "failed" for state in study.trials["state"].to_pylist()] == [
        failure is not None for failure in failures
    ]
    assert study.best.learning_rate < 1e10


def test_a_study_in_which_every_trial_fails_is_an_error(tmp_path):
    space = {"learning_rate": {"low": 1e25, "high": 1e30}}
    with pytest.raises(TrainingError, match=r"people: every trial failed; the last: the .* finite"):
        search(made(tmp_path, 2, tuning={"space": space}), rows())


@pytest.mark.parametrize("field", ["optimizer", "schedule"])
def test_an_unknown_optimizer_or_schedule_ends_a_study_before_its_first_trial(tmp_path, field):
    """Its names are optax's, which reading a spec does not import."""
    tuning = {"space": {field: {"choices": ["adamw" if field == "optimizer" else "x", "adma"]}}}
    with pytest.raises(SpecError, match=rf"tuning.space.{field}: '\w+' is unknown; known: \w+, "):
        search(made(tmp_path, 2, tuning=tuning), rows())
    blend = {"family": "blend", "members": {"a": {"family": "linear"}, "b": {"family": "mlp"}}}
    tuning = {"space": {f"members.b.{field}": {"choices": ["adma"]}}}
    with pytest.raises(SpecError, match=rf"defs.yaml: tuning.space.members.b.{field}: 'adma' is"):
        search(made(tmp_path, 2, model=blend, tuning=tuning), rows())


def test_patience_ends_a_trial_which_is_complete(tmp_path):
    model = {"hidden": [8], "epochs": 60, "early_stopping": 1, "learning_rate": 0.1}
    space = {"dropout": {"low": 0.0, "high": 0.2}}
    study = search(made(tmp_path, 2, model=model, tuning={"space": space}), rows())
    assert study.trials["state"].to_pylist() == ["complete"] * 2
    assert max(study.trials["epochs_trained"].to_pylist()) < 60
    assert (
        fit_data(made(tmp_path), rows(), study.best).fitted.best
        in study.trials["best_epoch"].to_pylist()
    )


def test_no_trials_are_refused(tmp_path):
    with pytest.raises(SpecError, match=r"defs.yaml: tuning.trials is 0; set the number"):
        search(made(tmp_path, 0), rows())


def test_each_trial_is_told_with_the_best_so_far(tmp_path):
    told = []
    search(made(tmp_path, 4), rows(), Surroundings(on_trial=told.append))
    lines = [line(one) for one in told]
    assert [said.partition(":")[0] for said in lines] == [
        f"trial {n} ({n + 1}/4)" for n in range(4)
    ]
    losses = [one.record.metrics["log_loss"] for one in told]
    assert told[-1].best.metrics["log_loss"] == min(losses)
    assert f"log_loss {losses[0]:.5g}  best {losses[0]:.5g}, trial 0" in lines[0]
    assert " left" in lines[0]
    assert " left" not in lines[-1]


def test_trials_given_up_together_do_not_make_the_rest_quick(tmp_path, monkeypatch):
    """A clock that goes a second for each epoch of each trial; only after the last is none left."""
    seconds, real = [0.0], networks.Apart.advance

    def advance(self, unit):
        seconds[0] += len(unit)
        real(self, unit)

    monkeypatch.setattr(networks.Apart, "advance", advance)
    monkeypatch.setattr(batch, "time", SimpleNamespace(monotonic=lambda: 1 + seconds[0]))
    model = {"hidden": [8], "epochs": 9, "batch_size": 64}
    space = {"learning_rate": {"low": 1e-5, "high": 3e-2, "log": True}}
    tuning = {"pruner": "successive_halving", "batch": 9, "space": space, "sampler": "random"}
    told = []
    pipeline = made(tmp_path, 27, model=model, tuning=tuning)
    search(pipeline, rows(), Surroundings(on_trial=told.append))
    assert len(told) == 27
    assert sum(one.record.state == "pruned" for one in told) > 5
    for one in told[:18]:  # Of the first two batches, so that a whole one is left.
        assert one.eta_seconds >= 9
