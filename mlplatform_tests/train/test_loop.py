import hashlib
import os
import signal
import subprocess
import sys
from dataclasses import replace

import jax
import numpy as np
import pytest

from mlplatform.errors import PreemptedError, TrainingError
from mlplatform.spec.budget import Budget
from mlplatform.spec.families import MODEL
from mlplatform.train import network as networks
from mlplatform.train.around import Around
from mlplatform.train.data import prepare
from mlplatform.train.feed import InMemory
from mlplatform.train.fit import fit
from mlplatform.train.loop import run
from mlplatform.train.nets import network
from mlplatform.train.network import fit_network, prepared
from mlplatform_tests.features import people

RESUMED = """
import hashlib, os, signal, sys
from pathlib import Path
from mlplatform.train.around import Around
from mlplatform.train.fit import fit
from mlplatform_tests.features import people

folder, dies_after = Path(sys.argv[1]), int(sys.argv[2])

def told(progress):
    if progress.epoch == dies_after:
        os.kill(os.getpid(), signal.SIGKILL)

pipeline = people.pipeline(folder)
encoder, table = people.features()
how = {"epochs": 9, "average": 0.9, "early_stopping": 8, "family": sys.argv[3]}
model = people.pipeline(folder, model={"batch_size": 16, "learning_rate": 0.02, **how}).spec.model
around = Around(checkpoints=folder / "kept", identity="recipe", every_seconds=0, on_epoch=told)
trained = fit(pipeline, table, encoder, model, around)
for name, array in sorted(trained.fitted.params.items()):
    print(name, hashlib.sha256(array.tobytes()).hexdigest())
print(sorted(trained.fitted.history.items()))
"""


@pytest.fixture
def made(tmp_path):
    return people.pipeline(tmp_path)


def around(tmp_path, **changes) -> Around:
    kept = {"checkpoints": tmp_path / "kept", "identity": "recipe", "every_seconds": 0.0}
    return Around(**{**kept, "on_note": str, **changes})


def run_out_of_memory() -> None:
    """Raise what XLA does, for an array that no device holds."""
    with jax.transfer_guard("allow"):
        jax.numpy.zeros((1 << 50,), np.int8).block_until_ready()


def digest(params) -> str:
    together = b"".join(params[name].tobytes() for name in sorted(params))
    return hashlib.sha256(together).hexdigest()


@pytest.mark.parametrize("family", ["mlp", "tabm"])
def test_a_killed_training_goes_on_to_the_same_bits(tmp_path, family, root):
    """Moments of the optimiser, the moving average, the best epoch and every use of chance among them."""

    def process(folder: str, dies_after: int) -> subprocess.CompletedProcess[str]:
        (tmp_path / folder).mkdir(exist_ok=True)
        command = [sys.executable, "-c", RESUMED, str(tmp_path / folder), str(dies_after), family]
        return subprocess.run(command, capture_output=True, text=True, cwd=root, check=False)

    whole = process("undisturbed", 0)
    assert whole.returncode == 0, whole.stderr
    for dies_after in (2, 5):
        assert process("killed", dies_after).returncode == -signal.SIGKILL
    resumed = process("killed", 0)
    assert "going on after" in resumed.stdout
    said = [line for line in resumed.stdout.splitlines() if "going on" not in line]
    assert said == whole.stdout.splitlines()


def test_another_recipe_begins_anew(tmp_path, made):
    encoder, table = people.features()
    notes: list[str] = []
    fit(made, table, encoder, made.spec.model, around(tmp_path, on_note=notes.append))
    fit(made, table, encoder, made.spec.model, around(tmp_path, identity="2", on_note=notes.append))
    other = made.spec.model.model_copy(update={"learning_rate": 0.01})
    fit(made, table, encoder, other, around(tmp_path, on_note=notes.append))
    assert notes == []


def test_a_training_asked_to_end_keeps_what_it_reached(tmp_path, made):
    encoder, table = people.features()
    whole = fit(made, table, encoder, made.spec.model)

    def told(progress):
        if progress.epoch == 2:
            os.kill(os.getpid(), signal.SIGTERM)

    with pytest.raises(PreemptedError, match=r"SIGTERM after epoch 2.*run the same command"):
        fit(
            made, table, encoder, made.spec.model,
            around(tmp_path, on_epoch=told, every_seconds=1e9),
        )  # fmt: skip
    notes: list[str] = []
    trained = fit(made, table, encoder, made.spec.model, around(tmp_path, on_note=notes.append))
    assert "going on after" in notes[0]
    assert digest(trained.fitted.params) == digest(whole.fitted.params)


def test_a_training_that_keeps_nothing_says_so_when_it_is_asked_to_end(made):
    encoder, table = people.features()
    ends = Around(on_epoch=lambda _: os.kill(os.getpid(), signal.SIGTERM))
    with pytest.raises(PreemptedError, match=r"SIGTERM after epoch 1; nothing is kept"):
        fit(made, table, encoder, made.spec.model, ends)


def test_a_budget_of_steps_is_never_exceeded_and_the_best_model_is_kept(made):
    encoder, table = people.features()
    spent = Around(budget=Budget(steps=50))
    trained = fit(made, table, encoder, made.spec.model, spent).fitted
    assert trained.stopped_by == "budget.steps of 50 reached"
    assert trained.spent["steps"] == 50
    assert len(trained.history["validation_loss"]) == len(trained.history["train_loss"]) >= 1


@pytest.mark.parametrize("steps", [1, 7, 30])
def test_a_budget_below_an_epoch_still_gives_a_model(made, steps):
    encoder, table = people.features()
    trained = fit(made, table, encoder, made.spec.model, Around(budget=Budget(steps=steps))).fitted
    assert trained.spent["steps"] == steps
    assert trained.best >= 1


def test_a_larger_budget_goes_on_as_if_nothing_had_been(tmp_path, made):
    encoder, table = people.features()
    whole = fit(made, table, encoder, made.spec.model).fitted
    for steps in (10, 30):
        stopped = around(tmp_path, budget=Budget(steps=steps), every_seconds=1e9)
        assert fit(made, table, encoder, made.spec.model, stopped).fitted.stopped_by
    resumed = fit(made, table, encoder, made.spec.model, around(tmp_path)).fitted
    assert resumed.stopped_by == ""
    assert digest(resumed.params) == digest(whole.params)


def test_a_smaller_budget_ends_in_the_model_that_it_alone_ends_in(tmp_path, made):
    """Whatever a larger one left behind."""
    encoder, table = people.features()
    alone = fit(made, table, encoder, made.spec.model, Around(budget=Budget(steps=12))).fitted
    notes: list[str] = []
    fit(made, table, encoder, made.spec.model, around(tmp_path, budget=Budget(steps=50)))
    small = around(tmp_path, budget=Budget(steps=12), on_note=notes.append)
    after = fit(made, table, encoder, made.spec.model, small).fitted
    assert notes == ["people: the checkpoint is beyond budget.steps, 12; begun anew"]
    assert after.spent["steps"] == 12
    assert digest(after.params) == digest(alone.params)


def test_trees_that_end_with_their_budget_were_not_cut_short(made):
    encoder, table = people.features()
    trees = MODEL.validate_python({"family": "gbdt", "trees": 8, "early_stopping": None})
    whole, cut = (
        fit(made, table, encoder, trees, Around(budget=Budget(steps=steps))).fitted
        for steps in (8, 5)
    )
    assert (whole.stopped_by, whole.spent["steps"]) == ("", 8)
    assert (cut.stopped_by, cut.spent["steps"]) == ("budget.steps of 5 reached", 5)


def test_a_blend_shares_one_budget_among_its_members(made):
    encoder, table = people.features()
    small = {"hidden": [4], "epochs": 50, "batch_size": 16}
    members = {"a": small, "b": {**small, "seed": 1}, "c": {"family": "gbdt", "trees": 500}}
    model = MODEL.validate_python({"family": "blend", "members": members})
    trained = fit(made, table, encoder, model, Around(budget=Budget(steps=200))).fitted
    assert 150 < trained.spent["steps"] <= 200
    assert trained.stopped_by.startswith("a, of its part: budget.steps of 66 reached; b, of ")


def test_a_training_that_ended_by_patience_is_not_taken_further(tmp_path, made):
    encoder, table = people.features(rows=200)
    update = {"epochs": 60, "learning_rate": 0.2, "early_stopping": 4}
    model = made.spec.model.model_copy(update=update)
    first = fit(made, table, encoder, model, around(tmp_path)).fitted
    again = fit(made, table, encoder, model, around(tmp_path)).fitted
    assert sorted(again.history.items()) == sorted(first.history.items())
    assert digest(again.params) == digest(first.params)


def test_a_budget_of_time_ends_a_training_between_segments(made):
    encoder, table = people.features()
    long = made.spec.model.model_copy(update={"epochs": 100_000})
    trained = fit(made, table, encoder, long, Around(budget=Budget(wall_seconds=0.5))).fitted
    assert trained.stopped_by == "budget.wall_seconds of 0.5 reached"
    assert len(trained.history["train_loss"]) < 100_000
    assert trained.best >= 1


def test_segments_of_an_epoch_are_the_epoch(made, monkeypatch):
    """A call ends every so many steps; the same batches come in the same order."""
    encoder, table = people.features()
    whole = fit(made, table, encoder, made.spec.model).fitted
    monkeypatch.setattr(networks, "SEGMENT_STEPS", 11)
    parts = fit(made, table, encoder, made.spec.model).fitted
    assert parts.spent["steps"] == whole.spent["steps"] == 66
    for name, array in whole.params.items():
        np.testing.assert_allclose(parts.params[name], array, atol=1e-6)


def test_a_batch_that_memory_does_not_hold_is_halved_and_said(made, monkeypatch):
    encoder, table = people.features()
    data = prepare(made, table, encoder)
    tried = []

    class Small(InMemory):
        def advance(self, number, state, seeds, hyper, plan, count=None):
            tried.append(plan.batch_size)
            if plan.batch_size > 4:
                run_out_of_memory()
            return super().advance(number, state, seeds, hyper, plan, count)

    monkeypatch.setattr(networks, "InMemory", Small)
    trained = fit_network(made, data, made.spec.model, Around(on_note=str))
    assert list(dict.fromkeys(tried)) == [16, 8, 4]
    assert trained.notes == (
        "16 rows a batch did not fit into memory: trained with 8",
        "8 rows a batch did not fit into memory: trained with 4",
    )


def test_a_row_that_memory_does_not_hold_ends_the_training(made, monkeypatch):
    encoder, table = people.features()

    class Nothing(InMemory):
        def advance(self, *_):
            run_out_of_memory()

    monkeypatch.setattr(networks, "InMemory", Nothing)
    with pytest.raises(TrainingError, match=r"not even one row a batch fits"):
        fit_network(made, prepare(made, table, encoder), made.spec.model, Around(on_note=str))


def test_a_row_that_is_not_finite_stops_the_training(made):
    encoder, table = people.features()
    data = prepare(made, table, encoder)
    data.train.vectors[7, 0] = np.nan
    with pytest.raises(TrainingError, match=r"(train loss|norm) is nan in epoch 1 of 3"):
        fit_network(made, data, made.spec.model, Around())


def test_nothing_moves_to_the_device_within_a_segment(made):
    """The guard would say so: here rows lie on the host."""
    encoder, table = people.features()
    data = prepare(made, table, encoder)
    model = made.spec.model
    course = prepared("people", network(made, model, data.shape), data, model, 16)
    with pytest.raises(Exception, match="Disallowed host-to-device transfer"):
        run(replace(course, feed=InMemory(data.train)), Around())


def test_progress_is_told_after_every_epoch(made):
    encoder, table = people.features()
    told = []
    fit(made, table, encoder, made.spec.model, Around(on_epoch=told.append))
    assert [progress.epoch for progress in told] == [1, 2, 3]
    assert told[-1].metrics.keys() >= {"train_loss", "validation_loss", "validation_auc"}
    assert told[-1].step == told[-1].steps == 66
