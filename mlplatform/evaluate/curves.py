"""What the report's pictures show: ROC, calibration and score distribution, as plain numbers."""

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mlplatform.evaluate.metrics import columns

ROC_POINTS = 200  # More than a picture 320 pixels wide can show.
CALIBRATION_BINS = 10  # Of equal row counts, so that each point rests on as much evidence.
SCORE_BINS = 20


@dataclass(frozen=True, kw_only=True)
class CalibrationBin:
    """Rows of similar score: mean score, and the share of positives with its 95 % interval."""

    score: float
    share: float
    lower: float
    upper: float
    rows: int


@dataclass(frozen=True, kw_only=True)
class Curves:
    """Points of the three pictures; empty where they are not defined.

    Attributes:
        roc: (false positive rate, true positive rate), rising from (0, 0) to (1, 1).
        calibration: Ten bins of equal row counts, by score.
        negatives: Rows of class 0 by score, in bins of equal width from 0 to 1.
        positives: Rows of class 1 by score, in the same bins.
    """

    roc: tuple[tuple[float, float], ...] = ()
    calibration: tuple[CalibrationBin, ...] = ()
    negatives: tuple[int, ...] = ()
    positives: tuple[int, ...] = ()


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
    return Curves(
        roc=_roc(truth, score),
        calibration=_calibration(truth, score),
        negatives=negatives,
        positives=positives,
    )


def _roc(truth: NDArray[np.bool_], score: NDArray[np.float64]) -> tuple[tuple[float, float], ...]:
    if truth.all() or not truth.any():
        return ()
    order = np.argsort(-score, kind="stable")
    last_of_tie = np.append(np.diff(score[order]) != 0, np.True_)
    hits = np.append(0, np.cumsum(truth[order])[last_of_tie]) / truth.sum()
    alarms = np.append(0, np.cumsum(~truth[order])[last_of_tie]) / (~truth).sum()
    kept = np.unique(np.linspace(0, len(hits) - 1, min(len(hits), ROC_POINTS)).round().astype(int))
    return tuple(zip(alarms[kept].tolist(), hits[kept].tolist(), strict=True))


def _calibration(
    truth: NDArray[np.bool_], score: NDArray[np.float64]
) -> tuple[CalibrationBin, ...]:
    order = np.argsort(score, kind="stable")
    parts = np.array_split(order, min(CALIBRATION_BINS, len(order)))
    return tuple(_bin(float(score[p].mean()), int(truth[p].sum()), len(p)) for p in parts)


def _bin(score: float, positives: int, rows: int) -> CalibrationBin:
    lower, upper = wilson(positives, rows)
    return CalibrationBin(score=score, share=positives / rows, lower=lower, upper=upper, rows=rows)


def wilson(hits: int, rows: int) -> tuple[float, float]:
    """Return the two-sided 95 % interval of a share: Wilson (1927), JASA 22:209."""
    z = NormalDist().inv_cdf(0.975)
    centre = (hits + z**2 / 2) / (rows + z**2)
    reach = z / (rows + z**2) * math.sqrt(hits * (rows - hits) / rows + z**2 / 4)
    return max(centre - reach, 0.0), min(centre + reach, 1.0)
