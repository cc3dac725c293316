"""What the report's pictures show: ROC, calibration, confusion and distributions, as plain numbers."""

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mlplatform.evaluate import classes, numbers
from mlplatform.evaluate.metrics import THRESHOLD, columns
from mlplatform.features.predicts import Predicts
from mlplatform.statistics.proportion import wilson

ROC_POINTS = 200  # More than a picture 320 pixels wide can show.
CALIBRATION_BINS = 10  # Of equal row counts, so that each point rests on as much evidence.
SCORE_BINS = 20


@dataclass(frozen=True, kw_only=True)
class CalibrationBin:
    """Rows of similar score: mean score, and the share that it is of, with its 95 % interval.

    Of two classes the share of positives; of several the answers that are right, by their
    probability; of quantiles the labels at most that quantile, by its share.
    """

    score: float
    share: float
    lower: float
    upper: float
    rows: int


@dataclass(frozen=True, kw_only=True)
class NumberBin:
    """Rows of similar predicted number: its mean, and the mean label with its 95 % interval."""

    predicted: float
    label: float
    lower: float
    upper: float
    rows: int


@dataclass(frozen=True, kw_only=True)
class Curves:
    """Points of the pictures; empty where they are not defined.

    Attributes:
        roc: (false positive rate, true positive rate), rising from (0, 0) to (1, 1).
        precision_recall: (recall, precision), by rising recall.
        calibration: Ten bins of equal row counts, by score; of quantiles one each.
        negatives: Rows of class 0 by score, in bins of equal width from 0 to 1.
        positives: Rows of class 1 by score, in the same bins.
        confusion: Rows by label, then by answer.
        numbers: Ten bins of equal row counts, by the predicted number.
    """

    roc: tuple[tuple[float, float], ...] = ()
    precision_recall: tuple[tuple[float, float], ...] = ()
    calibration: tuple[CalibrationBin, ...] = ()
    negatives: tuple[int, ...] = ()
    positives: tuple[int, ...] = ()
    confusion: tuple[tuple[int, ...], ...] = ()
    numbers: tuple[NumberBin, ...] = ()


def curves_of(predicts: Predicts, labels: ArrayLike, answers: ArrayLike) -> Curves:
    """Return the curves that apply to these answers; rows without a usable one are left out.

    Raises:
        ValueError: If answers and labels do not fit each other or the task.
    """
    if predicts.task == "binary":
        return curves(labels, answers)
    if predicts.task == "multiclass":
        return _of_classes(labels, answers)
    truth, said = numbers.columns(labels, answers, len(predicts.quantiles) or 1)
    known = np.isfinite(said).all(1)
    truth, said = truth[known], said[known]
    if not len(truth):
        return Curves()
    if not predicts.quantiles:
        return Curves(numbers=_numbers(truth, said[:, 0]))
    below = (truth[:, None] <= said).sum(0).tolist()
    pairs = zip(predicts.quantiles, below, strict=True)
    return Curves(calibration=tuple(_bin(share, hits, len(truth)) for share, hits in pairs))


def curves(labels: ArrayLike, scores: ArrayLike) -> Curves:
    """Return the curves of `scores`, the probabilities of class 1, on `labels` of 0 and 1.

    Rows whose score is no probability are left out; the metrics tell that they exist.

    Raises:
        ValueError: If the two differ in length or a label is neither 0 nor 1.
    """
    truth, score = columns(labels, scores)
    usable = (score >= 0) & (score <= 1)
    truth, score = truth[usable], score[usable]
    if not len(score):
        return Curves()
    negatives, positives = (
        tuple(np.histogram(score[truth == side], SCORE_BINS, (0, 1))[0].tolist())
        for side in (False, True)
    )
    roc, precision_recall = _rates(truth, score)
    cells = classes.confusion(truth.astype(np.int64), (score >= THRESHOLD).astype(np.int64), 2)
    return Curves(
        roc=roc,
        precision_recall=precision_recall,
        calibration=_calibration(truth, score),
        negatives=negatives,
        positives=positives,
        confusion=tuple(tuple(row) for row in cells.tolist()),
    )


Line = tuple[tuple[float, float], ...]


def _rates(truth: NDArray[np.bool_], score: NDArray[np.float64]) -> tuple[Line, Line]:
    """Return the ROC curve, and precision by recall, at every threshold; nothing of a single class."""
    if truth.all() or not truth.any():
        return (), ()
    order = np.argsort(-score, kind="stable")
    last_of_tie = np.append(np.diff(score[order]) != 0, np.True_)
    hits, alarms = (np.cumsum(side[order])[last_of_tie] for side in (truth, ~truth))
    recall, precision = hits / truth.sum(), hits / (hits + alarms)
    roc = _thin(np.append(0, alarms / (~truth).sum()), np.append(0, recall))
    # From the first threshold on: without an answer of class 1 there is no precision.
    return roc, _thin(recall, precision)


def _thin(x: NDArray[np.float64], y: NDArray[np.float64]) -> Line:
    kept = np.unique(np.linspace(0, len(x) - 1, min(len(x), ROC_POINTS)).round().astype(int))
    return tuple(zip(x[kept].tolist(), y[kept].tolist(), strict=True))


def _of_classes(labels: ArrayLike, answers: ArrayLike) -> Curves:
    truth, score = classes.columns(labels, answers)
    usable = classes.usable(score)
    truth, score = truth[usable], score[usable]
    if not len(truth):
        return Curves()
    said = score.argmax(1)
    cells = classes.confusion(truth, said, score.shape[1])
    return Curves(
        calibration=_calibration(said == truth, score.max(1)),
        confusion=tuple(tuple(row) for row in cells.tolist()),
    )


def _numbers(truth: NDArray[np.float64], said: NDArray[np.float64]) -> tuple[NumberBin, ...]:
    order = np.argsort(said, kind="stable")
    parts = np.array_split(order, min(CALIBRATION_BINS, len(order)))
    return tuple(_number_bin(truth[part], said[part]) for part in parts)


def _number_bin(truth: NDArray[np.float64], said: NDArray[np.float64]) -> NumberBin:
    """The mean's interval is that of a normal: bins of fewer than some 30 rows are wider in truth."""
    label, rows = float(truth.mean()), len(truth)
    spread = float(truth.std(ddof=1)) if rows > 1 else 0.0
    reach = NormalDist().inv_cdf(0.975) * spread / math.sqrt(rows)
    return NumberBin(
        predicted=float(said.mean()),
        label=label,
        lower=label - reach,
        upper=label + reach,
        rows=rows,
    )


def _calibration(
    truth: NDArray[np.bool_], score: NDArray[np.float64]
) -> tuple[CalibrationBin, ...]:
    order = np.argsort(score, kind="stable")
    parts = np.array_split(order, min(CALIBRATION_BINS, len(order)))
    return tuple(_bin(float(score[p].mean()), int(truth[p].sum()), len(p)) for p in parts)


def _bin(score: float, positives: int, rows: int) -> CalibrationBin:
    lower, upper = wilson(positives, rows)
    return CalibrationBin(score=score, share=positives / rows, lower=lower, upper=upper, rows=rows)
