"""Mixes the predictions of several models by weights that add up to one.

Probabilities are averaged, not logits: the log loss of their mean is convex in the weights, so one best
mixture exists and is found from anywhere, and a mean of probabilities adds up to one without another
normalisation. Squared error and pinball loss are convex in the weights as well, and the mean of
rising quantiles rises.
"""

from collections.abc import Callable, Mapping
from typing import Literal

import jax
import jax.numpy as jnp
import numpy as np
from scipy import optimize  # type: ignore[import-untyped] # SciPy ships no types.

from mlplatform.train.calibrate import predictions
from mlplatform.train.data import Data
from mlplatform.train.fitted import Fitted, Predict
from mlplatform.train.measure import TINY, measure
from mlplatform.train.stream import Streamed
from mlplatform.train.task import Array, Rows, Task

WEIGHTS = "blend.weights"

Slope = tuple[float, np.ndarray]  # A loss, and its gradient by the weights.


def fit_blend(
    members: Mapping[str, Fitted],
    data: Data | Streamed,
    how: Literal["fitted", "equal"],
    task: Task,
) -> Fitted:
    """Return one model that answers with the weighted mean of its members' predictions.

    `blend.weights` is f32[members] in the members' order; their own parameters follow under
    `<member>.`. The history holds the validation loss of the blend and, under
    `<member>.validation_loss`, of each member alone: one value each.

    Args:
        members: Fitted models of `task`, by name.
        data: Its validation rows are what `fitted` weights lower the loss on.
        how: Fit the weights, or take equal ones.
        task: What is predicted.
    """
    rows = data.validation
    answers = np.stack([np.asarray(predictions(member, rows)) for member in members.values()])
    weights = np.full(len(members), 1 / len(members))
    if how == "fitted":
        weights = fitted_weights(task, answers, rows)
    of = dict(zip([f"{name}." for name in members], answers, strict=True))
    of[""] = np.tensordot(weights, answers, 1).astype(np.float32)
    history = {
        f"{n}validation_loss": [float(measure(task, a, rows)["loss"])] for n, a in of.items()
    }
    return Fitted(
        task=task,
        params={WEIGHTS: weights.astype(np.float32), **_prefixed(members)},
        predict=_predictor(members),
        history=history,
        best=1,
    )


def fitted_weights(task: Task, answers: np.ndarray, rows: Rows) -> np.ndarray:
    """Return f64[members], at least 0 and of sum 1, with the least loss of the mixture on rows.

    Found by sequential quadratic programming (Kraft 1988). A pinball loss has corners where that
    may halt early; so the answer is never worse than equal weights or any member alone.

    Args:
        task: Whose loss is lowered.
        answers: f32[members, rows] or [members, rows, outputs], what each member predicts.
        rows: The labels, and how much each counts.
    """
    count = len(answers)
    slope = _slope(task, answers.astype(np.float64), rows)
    equal = np.full(count, 1 / count)
    found = optimize.minimize(
        slope,
        equal,
        jac=True,
        method="SLSQP",
        bounds=[(0, 1)] * count,
        constraints={"type": "eq", "fun": lambda w: w.sum() - 1, "jac": np.ones_like},
        options={"ftol": 1e-10},
    ).x
    inside = np.clip(found, 0, None)
    return min([inside / inside.sum(), equal, *np.eye(count)], key=lambda w: slope(w)[0])


def _slope(task: Task, answers: np.ndarray, rows: Rows) -> Callable[[np.ndarray], Slope]:
    labels, weights = np.asarray(rows.labels), np.asarray(rows.weights, np.float64)
    share = weights / weights.sum()
    if task.kind == "regression":
        return _of_numbers(task, answers.reshape(len(answers), len(labels), -1), labels, share)
    if task.kind == "binary":
        of_label = np.where(labels > 0.5, answers, 1 - answers)
    else:
        of_label = np.take_along_axis(answers, labels[None, :, None], axis=2)[..., 0]

    def log_loss(weights: np.ndarray) -> Slope:
        mixed = np.maximum(weights @ of_label, TINY)
        return -float(share @ np.log(mixed)), -(of_label @ (share / mixed))

    return log_loss


def _of_numbers(
    task: Task, answers: np.ndarray, labels: np.ndarray, share: np.ndarray
) -> Callable[[np.ndarray], Slope]:
    """The loss in deviations of the label, so that one tolerance fits every unit."""
    deviation = np.sqrt(share @ (labels - share @ labels) ** 2) or 1.0
    wanted = np.asarray(task.quantiles)

    def loss(weights: np.ndarray) -> Slope:
        error = (labels[:, None] - np.tensordot(weights, answers, 1)) / deviation
        by_error = wanted - (error < 0) if task.quantiles else error
        each = by_error * error if task.quantiles else error**2 / 2
        by_answer = -(share[:, None] * by_error) / (deviation * error.shape[1])
        return float(share @ each.mean(axis=1)), np.tensordot(answers, by_answer, 2)

    return loss


def _prefixed(members: Mapping[str, Fitted]) -> dict[str, np.ndarray]:
    return {
        f"{name}.{param}": array
        for name, member in members.items()
        for param, array in member.params.items()
    }


def _predictor(members: Mapping[str, Fitted]) -> Predict:
    own = {name: {p: f"{name}.{p}" for p in member.params} for name, member in members.items()}

    def predict(params: Mapping[str, Array], vectors: Array, ids: Array) -> jax.Array:
        answers = [
            member.predict({p: params[at] for p, at in own[name].items()}, vectors, ids)
            for name, member in members.items()
        ]
        # No matrix product, which a GPU would round to fewer digits.
        weights = jnp.asarray(params[WEIGHTS])
        return sum((weights[at] * answer for at, answer in enumerate(answers)), jnp.float32(0))

    return predict
