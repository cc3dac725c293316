"""Metrics of a classifier of several classes, in numpy; tested against scikit-learn, as those of two."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mlplatform.evaluate.metrics import BINS
from mlplatform.features.predicts import Predicts
from mlplatform.statistics.ranking import Bools, Floats, auc

Codes = NDArray[np.int64]
METRICS = ("accuracy", "macro_f1", "macro_auc", "log_loss", "brier", "calibration_error")
LEAST = np.finfo(np.float64).eps  # The least probability a log loss counts, as in scikit-learn.


def multiclass(labels: ArrayLike, scores: ArrayLike) -> dict[str, float]:
    """Return the metrics of `scores` [rows, classes], probabilities, on `labels`, places of classes.

    The most probable class is the answer, of equal ones the first. `macro_f1` is the mean over the
    classes that a label or an answer has; `macro_auc` the mean of each class against the others, of
    those that some rows have and some have not. `log_loss` is in nats; `brier` sums over classes
    (Brier 1950), so 2 is the worst; `calibration_error` is of the answers' probabilities in ten bins
    of equal width. A metric that is not defined for these rows is NaN: all of them without a row or
    where a row's scores are no probabilities.

    Raises:
        ValueError: If the two differ in length, or a label is no place of a class.
    """
    truth, score = columns(labels, scores)
    if not len(score) or not usable(score).all():
        return {"rows": float(len(score)), **dict.fromkeys(METRICS, float("nan"))}
    said = score.argmax(1)
    of_label = np.take_along_axis(score, truth[:, None], axis=1)[:, 0]
    return {
        "rows": float(len(score)),
        "accuracy": float(np.mean(said == truth)),
        "macro_f1": _macro_f1(confusion(truth, said, score.shape[1])),
        "macro_auc": _macro_auc(truth, score),
        "log_loss": float(-np.mean(np.log(np.maximum(of_label, LEAST)))),
        "brier": float(np.mean((score**2).sum(1) - 2 * of_label + 1)),
        "calibration_error": _calibration_error(said == truth, score.max(1)),
    }


def columns(labels: ArrayLike, scores: ArrayLike) -> tuple[Codes, Floats]:
    """Return labels as int64[rows] and scores as float64[rows, classes].

    Raises:
        ValueError: If the two differ in length, or a label is no place of a class.
    """
    truth, score = np.asarray(labels), np.asarray(scores, dtype=np.float64)
    if truth.ndim != 1 or score.ndim != 2 or len(truth) != len(score):
        raise ValueError(f"a score a class and label is needed: {truth.shape} and {score.shape}")
    if not np.isin(truth, np.arange(score.shape[1])).all():
        few = np.unique(truth)[:5].tolist()
        raise ValueError(f"labels must be 0 to {score.shape[1] - 1}, got {few}")
    return truth.astype(np.int64), score


def usable(score: Floats) -> Bools:
    """Return bool[rows]: where a row's scores are probabilities of all classes."""
    return Predicts("multiclass").usable(score)


def correct(labels: ArrayLike, scores: ArrayLike) -> Floats:
    """Return float64[rows]: 1 where the answer is right, 0 where wrong, NaN without probabilities."""
    truth, score = columns(labels, scores)
    right = (np.nan_to_num(score, nan=-1.0).argmax(1) == truth).astype(np.float64)
    return np.where(usable(score), right, np.nan)


def confusion(truth: Codes, said: Codes, classes: int) -> Codes:
    """Return int64[classes, classes]: rows by label, then by answer."""
    cells = np.bincount(truth * classes + said, minlength=classes * classes)
    return cells.reshape(classes, classes).astype(np.int64)


def _macro_f1(cells: Codes) -> float:
    hits, either = np.diag(cells), cells.sum(0) + cells.sum(1)
    there = either > 0
    return float(np.mean(2 * hits[there] / either[there]))


def _macro_auc(truth: Codes, score: Floats) -> float:
    each = np.array([auc(truth == at, score[:, at]) for at in range(score.shape[1])])
    return float(np.nanmean(each)) if not np.isnan(each).all() else float("nan")


def _calibration_error(right: Bools, confidence: Floats) -> float:
    bin_of = np.minimum((confidence * BINS).astype(int), BINS - 1)
    gap = np.bincount(bin_of, weights=confidence - right, minlength=BINS)
    return float(np.abs(gap).sum() / len(right))
