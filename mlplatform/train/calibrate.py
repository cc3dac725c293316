"""Calibration: probabilities that mean what they say, fitted on validation rows.

Temperature scaling: Guo, Pleiss, Sun & Weinberger, "On Calibration of Modern Neural Networks", ICML 2017.
Isotonic regression: Zadrozny & Elkan, "Transforming Classifier Scores into Accurate Multiclass
Probability Estimates", KDD 2002; of several classes one against the rest, then made to add up to one.
"""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
from scipy import optimize  # type: ignore[import-untyped] # SciPy ships no types.

from mlplatform.train.fitted import Fitted
from mlplatform.train.nets.net import Params
from mlplatform.train.task import Array, Rows, Task

TINY = 1e-7  # Probabilities are kept this far from 0 and 1 before their logarithm is taken.
COLDEST, HOTTEST = (
    0.05,
    20.0,
)  # Temperatures beyond mean a model that ranks at random, or perfectly.
TEMPERATURE = "calibration.temperature"


def calibrated(fitted: Fitted, rows: Rows, how: str) -> Fitted:
    """Return a model whose probabilities are calibrated on `rows`.

    A temperature leaves their ranking as it is; isotonic regression makes some of them equal.

    Args:
        fitted: The model.
        rows: The validation rows.
        how: `none`, `temperature` or `isotonic`.
    """
    if how == "none":
        return fitted
    predicted = np.asarray(predictions(fitted, rows), np.float64)
    learn, apply = {"temperature": (_cooled, _scaled), "isotonic": (_steps, _stepped)}[how]
    learnt = learn(fitted.task, predicted, rows)

    def predict(params: Params, vectors: Array, ids: Array) -> jax.Array:
        return apply(fitted.task, params, fitted.predict(params, vectors, ids))

    return replace(fitted, params={**fitted.params, **learnt}, predict=predict)


def predictions(fitted: Fitted, rows: Rows) -> jax.Array:
    """Return what a model predicts of rows, some of them at a time."""
    from mlplatform.train.trainer import JUDGED

    predict = jax.jit(fitted.predict)
    params = jax.device_put(dict(fitted.params))
    count = len(rows.labels)
    parts = [
        predict(params, rows.vectors[at : at + JUDGED], rows.ids[at : at + JUDGED])
        for at in range(0, count, JUDGED)
    ]
    return jnp.concatenate(parts)


def _cooled(task: Task, predicted: np.ndarray, rows: Rows) -> dict[str, np.ndarray]:
    """Return the temperature with the least weighted log loss."""
    logits = _logits(task, predicted)
    classes = np.asarray(rows.labels).astype(np.int64)
    weights = np.asarray(rows.weights, np.float64)

    def loss(log_temperature: float) -> float:
        scaled = logits / np.exp(log_temperature)
        top = scaled.max(axis=1, keepdims=True)
        total = top[:, 0] + np.log(np.exp(scaled - top).sum(axis=1))
        own = np.take_along_axis(scaled, classes[:, None], axis=1)[:, 0]
        return float((weights * (total - own)).sum())

    bounds = (np.log(COLDEST), np.log(HOTTEST))
    found = optimize.minimize_scalar(loss, bounds=bounds, method="bounded", options={"xatol": 1e-6})
    return {TEMPERATURE: np.float32(np.exp(found.x)).reshape(1)}


def _scaled(task: Task, params: Params, predicted: jax.Array) -> jax.Array:
    kept = jnp.clip(predicted, TINY, 1 - TINY)
    if task.kind == "binary":
        return jax.nn.sigmoid((jnp.log(kept) - jnp.log1p(-kept)) / params[TEMPERATURE][0])
    return jax.nn.softmax(jnp.log(kept) / params[TEMPERATURE][0], axis=1)


def _steps(task: Task, predicted: np.ndarray, rows: Rows) -> dict[str, np.ndarray]:
    """Return for each class the points between which probabilities are interpolated."""
    classes, weights = np.asarray(rows.labels), np.asarray(rows.weights, np.float64)
    learnt: dict[str, np.ndarray] = {}
    for at, column in enumerate(_columns(task, predicted)):
        of_class = (classes == (at if task.kind == "multiclass" else 1)).astype(np.float64)
        x, y = _isotonic(column, of_class, weights)
        learnt |= {f"calibration.{at}.from": x, f"calibration.{at}.to": y}
    return learnt


def _isotonic(
    scores: np.ndarray, hits: np.ndarray, weights: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the corners of the rising function that fits best: scores, and what they become, f32.

    Rows of weight 0 do not count. Never 0 or 1: as if half a row of either kind were there.
    """
    counted = weights > 0
    score, at = np.unique(scores[counted], return_inverse=True)
    total = np.bincount(at, weights[counted])
    mean = np.bincount(at, weights[counted] * hits[counted]) / total
    fitted = optimize.isotonic_regression(mean, weights=total).x
    inside = np.ones(len(fitted), np.bool_)  # Of a level stretch the ends are enough.
    inside[1:-1] = (fitted[1:-1] != fitted[:-2]) | (fitted[1:-1] != fitted[2:])
    floor = 0.5 / (counted.sum() + 1)
    kept = np.clip(fitted[inside], floor, 1 - floor)
    return score[inside].astype(np.float32), kept.astype(np.float32)


def _stepped(task: Task, params: Params, predicted: jax.Array) -> jax.Array:
    columns = predicted[:, None] if task.kind == "binary" else predicted
    found = [
        jnp.interp(columns[:, at], params[f"calibration.{at}.from"], params[f"calibration.{at}.to"])
        for at in range(columns.shape[1])
    ]
    if task.kind == "binary":
        return found[0]
    stacked = jnp.stack(found, axis=1)
    return stacked / stacked.sum(axis=1, keepdims=True)


def _logits(task: Task, predicted: np.ndarray) -> np.ndarray:
    kept = np.clip(predicted, TINY, 1 - TINY)
    if task.kind == "binary":
        return np.stack([np.log1p(-kept), np.log(kept)], axis=1)
    return np.asarray(np.log(kept))


def _columns(task: Task, predicted: np.ndarray) -> np.ndarray:
    return predicted[None] if task.kind == "binary" else predicted.T
