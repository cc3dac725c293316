"""Fits gradient-boosted trees: round after round, until nothing gets better or somebody says so."""

import math
from collections.abc import Callable, Mapping

import jax
import numpy as np

from mlplatform.errors import TrainingError
from mlplatform.spec.families import Gbdt
from mlplatform.train.data import Data
from mlplatform.train.fitted import Fitted, Predict
from mlplatform.train.gbdt.arrays import arrays
from mlplatform.train.gbdt.booster import Boosters
from mlplatform.train.gbdt.program import raw
from mlplatform.train.task import Array, Scale, Shape

OnRound = Callable[[int, dict[str, float]], str | None]


def fit_gbdt(data: Data, model: Gbdt, on_round: OnRound | None = None) -> Fitted:
    """Return trees fitted to the training rows by their weights; equal inputs give equal bits.

    With `early_stopping` they predict as of the round with the least validation loss, without it as
    of the last. The history has `train_loss` and `validation_loss` of each round: log loss in nats,
    root mean square error, or mean pinball loss.

    Args:
        data: Training and validation rows, class weights in the rows' weights.
        model: The settings.
        on_round: Told the round, from 1, and its losses; a sentence that it returns ends the
            training, and becomes `Fitted.stopped_by`.

    Raises:
        TrainingError: If LightGBM is not installed, finds no split, or a loss is not finite.
    """
    boosters = Boosters(data, model)
    history: dict[str, list[float]] = {"train_loss": [], "validation_loss": []}
    notes: list[str] = []
    stopped_by = None
    while len(history["train_loss"]) < model.trees and not stopped_by:
        if not boosters.grow():
            notes.append(_ended(data, model, len(history["train_loss"])))
            break
        losses = boosters.losses()
        for name, loss in losses.items():
            history[name].append(loss)
        _require_finite(history, model)
        said = on_round and on_round(len(history["train_loss"]), losses)
        stopped_by = said if len(history["train_loss"]) < model.trees else None
        if _out_of_patience(history["validation_loss"], model):
            break
    best = _best(history["validation_loss"], model)
    return Fitted(
        task=data.shape.task,
        params=arrays(boosters.trees(best), data.shape.vectors, data.shape.ids),
        predict=predictor(data.shape),
        history=history,
        best=best,
        notes=tuple(notes),
        spent={"steps": len(history["train_loss"])},
        stopped_by=stopped_by or "",
    )


def predictor(shape: Shape) -> Predict:
    """Return the function from parameters and features to predictions."""
    plain = Scale(np.float32(0), np.float32(1))  # Trees answer in the label's own unit.

    def predict(params: Mapping[str, Array], vectors: Array, ids: Array) -> jax.Array:
        return shape.task.predict(raw(params, vectors, ids, shape.ids)[:, None, :], plain)

    return predict


def _best(losses: list[float], model: Gbdt) -> int:
    return losses.index(min(losses)) + 1 if model.early_stopping else len(losses)


def _out_of_patience(losses: list[float], model: Gbdt) -> bool:
    waited = len(losses) - _best(losses, model)
    return model.early_stopping is not None and waited >= model.early_stopping


def _require_finite(history: dict[str, list[float]], model: Gbdt) -> None:
    for name, losses in history.items():
        if not math.isfinite(losses[-1]):
            raise TrainingError(
                f"the {name.replace('_', ' ')} is {losses[-1]} after tree {len(losses)} of"
                f" {model.trees}; look for labels or weights that are not finite, or lower"
                f" model.learning_rate from {model.learning_rate:g}"
            )


def _ended(data: Data, model: Gbdt, rounds: int) -> str:
    """Say that no split is left; of trees without any, nothing is learnt."""
    if rounds:
        return f"ended after {rounds} trees of {model.trees}: no split of the rows was left"
    rows = len(data.train.labels)
    raise TrainingError(
        f"no feature splits the {rows} training rows into leaves of {model.min_rows_a_leaf} rows or"
        " more that differ in their label; lower model.min_rows_a_leaf, or look at the features"
    )
