"""How much each training row counts: by its own weight, and by its class."""

from dataclasses import replace
from typing import overload

import numpy as np

from mlplatform.errors import TrainingError
from mlplatform.spec.families import OTHER, Single
from mlplatform.spec.label import Label
from mlplatform.train.data import Data
from mlplatform.train.stream import Streamed


@overload
def weighted(data: Data, label: Label, model: Single) -> Data: ...
@overload
def weighted(data: Streamed, label: Label, model: Single) -> Streamed: ...
def weighted(data: Data | Streamed, label: Label, model: Single) -> Data | Streamed:
    """Return `data` with the training rows' weights times their class's, of mean 1.

    Validation rows keep their own weights: losses of models with other class weights compare.
    Balanced weights are inversely proportional to a class's weight in the rows (King & Zeng 2001).

    Raises:
        TrainingError: If classes are to be balanced and one has no weight.
    """
    wanted = model.class_weights
    if isinstance(data, Streamed):
        plain = np.ones(len(data.labels.totals))
        totals = data.labels.totals
        return data.weighted(plain if wanted == "none" else _of_classes(totals, label, wanted))
    rows = data.train
    weights = np.asarray(rows.weights, np.float64)
    if wanted != "none":
        classes = np.asarray(rows.labels).astype(np.int64)
        totals = np.bincount(classes, weights, len(label.classes) or 2)
        weights = weights * _of_classes(totals, label, wanted)[classes]
    mean_one = (weights / weights.mean()).astype(np.float32)
    return replace(data, train=rows._replace(weights=mean_one))


def _of_classes(totals: np.ndarray, label: Label, wanted: str | dict[str, float]) -> np.ndarray:
    """Return how much each class counts, of which the rows weigh `totals`."""
    if isinstance(wanted, str):
        if not totals.all():
            raise TrainingError("model.class_weights: a class has no training row with a weight")
        balanced: np.ndarray = totals.sum() / (len(totals) * totals)
        return balanced
    of = np.ones(len(totals))
    known = label.classes or [OTHER, label.positive]
    for name, weight in wanted.items():
        of[known.index(name)] = weight
    return of
