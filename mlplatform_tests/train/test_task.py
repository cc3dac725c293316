import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings

from mlplatform.spec.label import Label
from mlplatform.train.task import Scale, Task

UNIT = Scale(np.float32(0), np.float32(1))


def logits(seed: int, members: int, outputs: int, count: int = 30) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(count, members, outputs)).astype(np.float32)


def test_the_label_decides_the_outputs_and_the_metric():
    said = [
        Task.of(Label(column="y", positive="yes")),
        Task.of(Label(column="y", task="multiclass", classes=["a", "b", "c"])),
        Task.of(Label(column="y", task="regression")),
        Task.of(Label(column="y", task="regression", quantiles=[0.1, 0.9])),
    ]
    assert [task.outputs for task in said] == [1, 3, 1, 2]
    assert [task.metric for task in said] == ["log_loss", "log_loss", "rmse", "pinball"]


@settings(max_examples=20)
@given(st.integers(0, 999), st.integers(1, 4))
def test_probabilities_are_the_mean_of_the_members_and_add_up(seed, members):
    task = Task("multiclass", 3)
    found = np.asarray(task.predict(logits(seed, members, 3), UNIT))
    np.testing.assert_allclose(found.sum(1), 1, atol=1e-5)
    alone = [
        np.asarray(task.predict(logits(seed, members, 3)[:, [m]], UNIT)) for m in range(members)
    ]
    np.testing.assert_allclose(found, np.mean(alone, axis=0), atol=1e-6)


def test_every_member_is_trained_by_its_own_loss():
    """The mean of losses, which is more than the loss of the mean."""
    task, made = Task("binary"), logits(0, 5, 1)
    labels = (np.arange(30) % 2).astype(np.float32)
    together = np.asarray(task.loss(made, labels, UNIT))
    alone = [np.asarray(task.loss(made[:, [m]], labels, UNIT)) for m in range(5)]
    np.testing.assert_allclose(together, np.mean(alone, axis=0), rtol=1e-5)


def test_smoothing_of_two_classes_is_that_of_one_of_two():
    made = logits(1, 1, 1)
    labels = (np.arange(30) % 2).astype(np.float32)
    two = np.concatenate([np.zeros_like(made), made], axis=2)
    one = Task("binary").loss(made, labels, UNIT, 0.2)
    other = Task("multiclass", 2).loss(two, labels.astype(np.int32), UNIT, 0.2)
    np.testing.assert_allclose(one, other, rtol=1e-5)


def test_numbers_are_learnt_in_standard_deviations_and_told_in_their_unit():
    scale = Scale(np.float32(100), np.float32(20))
    task, made = Task("regression"), np.full((2, 1, 1), 0.5, np.float32)
    assert np.asarray(task.predict(made, scale)).tolist() == [110, 110]
    loss = np.asarray(task.loss(made, np.float32([110, 130]), scale))
    assert loss.tolist() == pytest.approx([0, 0.5])


@settings(max_examples=20)
@given(st.integers(0, 999))
def test_quantiles_never_cross(seed):
    task = Task("regression", 3, (0.1, 0.5, 0.9))
    found = np.asarray(task.predict(logits(seed, 2, 3), UNIT))
    assert (np.diff(found, axis=1) >= 0).all()


@pytest.mark.parametrize("wanted", [0.1, 0.5, 0.9])
def test_the_loss_of_a_quantile_is_least_at_it(wanted):
    """Koenker & Bassett (1978)."""
    labels = np.random.default_rng(3).normal(size=2000).astype(np.float32)
    task = Task("regression", 1, (wanted,))
    tried = np.linspace(-2, 2, 81, dtype=np.float32)
    loss = [
        float(np.mean(task.loss(np.full((2000, 1, 1), at, np.float32), labels, UNIT)))
        for at in tried
    ]
    assert tried[np.argmin(loss)] == pytest.approx(np.quantile(labels, wanted), abs=0.06)
