"""How much each training row counts: by its own weight, and by its class."""

import numpy as np

from mlplatform.errors import TrainingError
from mlplatform.spec.families import Family
from mlplatform.spec.label import Label
from mlplatform.train.data import Data


def weighted(data: Data, label: Label, model: Family) -> Data:
    """Return `data` with the training rows' weights times their class's, of mean 1.

    Validation rows keep their own weights: losses of models with other class weights compare.
    Balanced weights are inversely proportional to a class's weight in the rows (King & Zeng 2001).

    Raises:
        TrainingError: If a class is named that the label does not have.
    """
    rows = data.train
    weights = np.asarray(rows.weights, np.float64)
    if model.class_weights != "none":
        classes = np.asarray(rows.labels).astype(np.int64)
        weights = weights * _of_classes(classes, weights, label, model.class_weights)[classes]
    mean_one = (weights / weights.mean()).astype(np.float32)
    return Data(data.shape, rows._replace(weights=mean_one), data.validation)


def _of_classes(
    classes: np.ndarray, weights: np.ndarray, label: Label, wanted: str | dict[str, float]
) -> np.ndarray:
    count = len(label.classes) or 2
    if isinstance(wanted, str):
        total = np.bincount(classes, weights, count)
        if not total.all():
            raise TrainingError("model.class_weights: a class has no training row with a weight")
        return total.sum() / (count * total)
    of = np.ones(count)
    for name, weight in wanted.items():
        of[_class_of(name, label)] = weight
    return of


def _class_of(name: str, label: Label) -> int:
    """Return the class a name stands for; of a binary label every name but the positive one is class 0."""
    if label.task == "binary":
        return int(name == label.positive)
    if name not in label.classes:
        known = ", ".join(label.classes)
        raise TrainingError(f"model.class_weights: {name!r} is no class; classes: {known}")
    return label.classes.index(name)
