"""Blends: never worse on validation than their best member, and one program like any model."""

from typing import Any

import jax
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlplatform.features.program_export import deserialized, serialized
from mlplatform.features.signature import Tensor
from mlplatform.spec.families import Gbdt
from mlplatform.train.blend import WEIGHTS, fit_blend, fitted_weights
from mlplatform.train.data import Data
from mlplatform.train.fitted import Fitted
from mlplatform.train.gbdt import fit_gbdt
from mlplatform.train.measure import measure
from mlplatform.train.task import Rows, Task
from mlplatform_tests.train.gbdt.rows import BINARY, MULTICLASS, QUANTILES, REGRESSION, TASKS, data


def members(rows: Data) -> dict[str, Fitted]:
    """One model of the numbers and one of the ids: neither has seen what the other has."""
    blind = {"numbers": {"ids": rows.train.ids * 0}, "ids": {"vectors": rows.train.vectors * 0}}
    return {
        name: fit_gbdt(Data(rows.shape, rows.train._replace(**without), rows.validation), HOW)
        for name, without in blind.items()
    }


HOW = Gbdt(trees=15, learning_rate=0.2, min_rows_a_leaf=10)


def predicted(model: Fitted, rows: Rows) -> np.ndarray:
    return np.asarray(jax.jit(model.predict)(model.params, rows.vectors, rows.ids))


@pytest.mark.parametrize("task", TASKS)
def test_a_fitted_blend_is_no_worse_than_its_members_or_equal_weights(task: Task) -> None:
    rows = data(task)
    parts = members(rows)
    blend = fit_blend(parts, rows, "fitted", task)
    losses = {name: values[0] for name, values in blend.history.items()}
    assert set(losses) == {
        "validation_loss", "numbers.validation_loss", "ids.validation_loss",
    }  # fmt: skip
    equal = fit_blend(parts, rows, "equal", task).history["validation_loss"][0]
    assert losses["validation_loss"] <= min(*losses.values(), equal) + 1e-6
    served = measure(task, predicted(blend, rows.validation), rows.validation)["loss"]
    assert float(served) == pytest.approx(losses["validation_loss"], rel=1e-5)


def test_members_keep_their_parameters_under_their_names() -> None:
    rows = data(BINARY)
    parts = members(rows)
    blend = fit_blend(parts, rows, "equal", BINARY)
    assert blend.params[WEIGHTS].tolist() == [0.5, 0.5]
    for name, member in parts.items():
        for param, array in member.params.items():
            assert blend.params[f"{name}.{param}"] is array
    mean = np.mean([predicted(member, rows.validation) for member in parts.values()], axis=0)
    np.testing.assert_allclose(predicted(blend, rows.validation), mean, rtol=1e-6)


def test_probabilities_add_up_to_one_and_quantiles_rise() -> None:
    for task in (MULTICLASS, QUANTILES):
        rows = data(task)
        found = predicted(fit_blend(members(rows), rows, "fitted", task), rows.validation)
        if task is MULTICLASS:
            np.testing.assert_allclose(found.sum(axis=1), 1, rtol=1e-6)
        else:
            assert (np.diff(found, axis=1) >= 0).all()


def test_a_blend_exports_as_one_program() -> None:
    rows = data(BINARY)
    blend = fit_blend(members(rows), rows, "fitted", BINARY)
    params = {name: Tensor(name, str(a.dtype), a.shape) for name, a in blend.params.items()}
    takes = (Tensor("vectors", "float32", ("rows", 3)), Tensor("ids", "int32", ("rows", 2)))
    program = deserialized(serialized(blend.predict, params, *takes), "program.stablehlo")
    some = rows.validation[:2]
    served = np.asarray(program.call(dict(blend.params), *some))
    np.testing.assert_allclose(served, predicted(blend, rows.validation), rtol=1e-6)


def _answers(task: Task, count: int, rng: np.random.Generator) -> tuple[np.ndarray, Rows]:
    """Return random members' predictions, and labels that the first of them tells best."""
    rows, nothing = 200, np.zeros((200, 0))
    noise = rng.normal(size=(count, rows, task.outputs))
    if task.kind == "regression":
        answers = 1e6 + 1e3 * np.sort(noise, axis=2)
        labels = answers[0, :, task.outputs // 2] + rng.normal(size=rows) * 1e3
    else:
        power = np.exp(noise)
        answers = power / (power.sum(2, keepdims=True) if task.kind == "multiclass" else power + 1)
        spread = (
            answers[0]
            if task.kind == "multiclass"
            else np.stack([1 - answers[0, :, 0], answers[0, :, 0]], 1)
        )
        labels = (rng.random((rows, 1)) > spread.cumsum(axis=1)[:, :-1]).sum(axis=1)
    if task.outputs == 1:
        answers = answers[..., 0]
    kind = np.int32 if task.kind == "multiclass" else np.float32
    weights = rng.uniform(0, 2, rows).astype(np.float32)
    return answers.astype(np.float32), Rows(nothing, nothing, labels.astype(kind), weights)


@given(task=st.sampled_from(TASKS), count=st.integers(2, 6), seed=st.integers(0, 10**6))
def test_weights_lie_on_the_simplex_and_no_member_or_mean_of_two_is_better(
    task: Task, count: int, seed: int
) -> None:
    answers, rows = _answers(task, count, np.random.default_rng(seed))
    weights = fitted_weights(task, answers, rows)
    assert (weights >= 0).all()
    assert weights.sum() == pytest.approx(1, abs=1e-9)
    assert (weights == fitted_weights(task, answers, rows)).all()

    def loss(weights: Any) -> float:
        mixed = np.tensordot(weights, answers.astype(np.float64), 1).astype(np.float32)
        return float(measure(task, mixed, rows)["loss"])

    best = loss(weights)
    for one in np.eye(count):
        for share in (1, 0.5, 0.05):
            assert best <= loss(share * one + (1 - share) * weights) * (1 + 2e-3)


def test_of_equal_members_any_mixture_is_as_good_and_one_is_found() -> None:
    answers, rows = _answers(REGRESSION, 2, np.random.default_rng(0))
    weights = fitted_weights(REGRESSION, np.stack([answers[0], answers[0]]), rows)
    assert weights.sum() == pytest.approx(1)


def test_a_useless_member_gets_no_weight() -> None:
    answers, rows = _answers(BINARY, 2, np.random.default_rng(0))
    answers[1] = 1 - answers[0]
    assert fitted_weights(BINARY, answers, rows)[0] == pytest.approx(1, abs=1e-3)
