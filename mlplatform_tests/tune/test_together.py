"""Trials that train as one program come to what they come to one after another, but for rounding."""

import jax
import numpy as np
import pytest

from mlplatform.errors import TrainingError
from mlplatform.train import trainer
from mlplatform.train.fit import fit_data
from mlplatform.tune import together
from mlplatform.tune.around import Surroundings
from mlplatform.tune.attempt import Attempt
from mlplatform.tune.networks import Bench
from mlplatform.tune.study import search
from mlplatform_tests.tune.conftest import made, rows

# Seen over 60 epochs of these rows: 3e-6. Products of many matrices at once add in another order.
BOUND = 1e-4
MODEL = {"hidden": [8], "epochs": 6, "batch_size": 16}
SMALL = {**MODEL, "batch_size": 8}
SPACE = {
    "learning_rate": {"low": 1e-3, "high": 3e-2, "log": True},
    "dropout": {"low": 0.0, "high": 0.4},
    "hidden": {"choices": [[8], [4, 4]]},
    "class_weights": {"choices": ["none", "balanced"]},
    "seed": {"low": 0, "high": 3},
}


def study(folder, how, trials=12, pruner="none", space=SPACE, model=MODEL, **tuning):
    asked = {"together": how, "pruner": pruner, "space": space, "sampler": "random", **tuning}
    return search(made(folder, trials, model=model, tuning=asked), rows())


@pytest.mark.parametrize("pruner", ["none", "successive_halving"])
def test_together_and_apart_come_to_the_same(tmp_path, pruner):
    apart, at_once = (study(tmp_path, how, pruner=pruner).trials for how in ("off", "on"))
    for column in ("trial", "state", "epochs_trained", "steps", *SPACE):
        assert at_once[column].equals(apart[column])
    for metric in ("validation_log_loss", "validation_auc"):
        np.testing.assert_allclose(at_once[metric], apart[metric], atol=BOUND)


def test_a_batch_of_one_shape_is_one_program(tmp_path):
    space = {name: SPACE[name] for name in ("learning_rate", "dropout", "seed")}
    together.segment.clear_cache()
    study(tmp_path, "on", trials=8, space=space, batch=8)
    assert together.segment._cache_size() == 1


def test_survivors_need_a_program_for_each_halving_at_most(tmp_path):
    space = {"learning_rate": {"low": 1e-5, "high": 3e-2, "log": True}}
    together.segment.clear_cache()
    found = study(tmp_path, "on", 16, "successive_halving", space, batch=16)
    assert found.trials["state"].to_pylist().count("pruned") > 4
    assert together.segment._cache_size() <= 5  # 16, 8, 4, 2 and 1 at once.


def test_one_that_diverges_leaves_the_others_as_they_are(tmp_path):
    space = {"learning_rate": {"choices": [1e-3, 1e30, 1e-2]}}
    trials = study(tmp_path, "on", 3, space=space, sampler="grid").trials.to_pylist()
    failed = [row for row in trials if row["state"] == "failed"]
    assert [row["learning_rate"] for row in failed] == ["1e+30"]
    alone = study(tmp_path, "off", 3, space=space, sampler="grid").trials.to_pylist()
    for one, other in zip(trials, alone, strict=True):
        if one["state"] == "complete":
            assert one["validation_log_loss"] == pytest.approx(
                other["validation_log_loss"], abs=BOUND
            )


class Trial:
    """Optuna's trial, as far as a crew asks it."""

    params: dict[str, float]

    def __init__(self, number):
        self.number, self.params = number, {}


def attempts(pipeline, count):
    return [
        Attempt(trial=Trial(n), model=pipeline.spec.model.model_copy(update={"seed": n}),
                metric="log_loss", loss="log_loss")
        for n in range(count)
    ]  # fmt: skip


@pytest.mark.parametrize("at", [1, 3])
def test_what_does_not_fit_at_once_is_trained_in_halves_and_that_is_said(tmp_path, monkeypatch, at):
    """No memory here is small enough to run out of it, so the device's refusal is played."""
    pipeline = made(tmp_path, model=MODEL)
    calls, real = [], together.segment

    def small(states, *args, plan):
        width = len(states.step)
        calls.append(width)
        if width > 2 and len(calls) >= at:
            raise jax.errors.JaxRuntimeError("RESOURCE_EXHAUSTED: out of memory allocating 9 bytes")
        return real(states, *args, plan=plan)

    def trained(count):
        notes: list[str] = []
        crew, going = (
            together.Together(Bench(pipeline, rows(), notes.append)),
            attempts(pipeline, count),
        )
        for _ in range(MODEL["epochs"]):
            for unit in crew.units([a for a in going if a.state is None]):
                crew.advance(unit)
        return going, notes

    whole, unsaid = trained(6)
    monkeypatch.setattr(together, "segment", small)
    halved, said = trained(6)
    assert unsaid == []
    assert said == [
        "a batch of 6 trials does not fit into the device's memory: 3 at once are trained",
        *["a batch of 3 trials does not fit into the device's memory: 2 at once are trained"] * 2,
    ]
    assert {attempt.state for attempt in halved} == {"complete"}
    for one, other in zip(halved, whole, strict=True):
        np.testing.assert_allclose(one.reports, other.reports, atol=BOUND)
        assert one.steps == other.steps


def out_of_memory(real, most):
    """Play a device that holds no batch of more than `most` rows."""

    def advance(*args, plan, **more):
        if plan.batch_size > most:
            raise jax.errors.JaxRuntimeError("RESOURCE_EXHAUSTED: out of memory allocating 9 bytes")
        return real(*args, plan=plan, **more)

    return advance


@pytest.mark.parametrize("at_once", ["on", "off"])
def test_a_batch_of_rows_that_does_not_fit_is_halved_as_a_training_halves_it(
    tmp_path, monkeypatch, at_once
):
    space = {"batch_size": {"choices": [8, 32]}, "learning_rate": {"choices": [1e-2, 1e-3]}}
    tuning = {"space": space, "sampler": "grid", "together": at_once}
    rates = {"learning_rate": space["learning_rate"]}
    small = study(tmp_path, at_once, 2, space=rates, model=SMALL, sampler="grid")
    for module in (together, trainer):
        monkeypatch.setattr(module, "segment", out_of_memory(module.segment, 8))
    notes = []
    pipeline = made(tmp_path, 4, model=MODEL, tuning=tuning)
    found = search(pipeline, rows(), Surroundings(on_note=notes.append))
    assert set(found.trials["state"].to_pylist()) == {"complete"}
    halved = [note for note in found.notes if "did not fit" in note]
    assert len(halved) == 4
    for rows_a_batch in (32, 16):
        half = rows_a_batch // 2
        said = f"{rows_a_batch} rows a batch did not fit into memory: trained with {half}"
        assert sum(said in note for note in halved) == 2
    assert halved[0].startswith("trial ")
    expected = {row["learning_rate"]: row for row in small.trials.to_pylist()}
    for row in found.trials.to_pylist():
        assert row["reports"] == pytest.approx(expected[row["learning_rate"]]["reports"], abs=BOUND)
        assert row["steps"] == expected[row["learning_rate"]]["steps"]
    if at_once == "off":
        assert (
            fit_data(pipeline, rows(), found.best).fitted.best
            == (found.trials["best_epoch"].to_pylist()[found.best_trial])
        )


def test_not_even_a_row_a_batch_fails_the_trial(tmp_path, monkeypatch):
    monkeypatch.setattr(trainer, "segment", out_of_memory(trainer.segment, 0))
    with pytest.raises(
        TrainingError, match=r"every trial failed; the last: .*not even one row a b"
    ):
        search(made(tmp_path, 1, model={**MODEL, "batch_size": 2}), rows())
