"""Two models' errors on the same rows: their ratio, and how sure it is.

Bounds by Fieller's theorem (1954), Journal of the Royal Statistical Society B 16:175: a ratio is
refuted where the mean of `candidate - ratio * champion` over the rows lies too far from 0. It holds
whatever unit the errors have, and however much the two go together.
"""

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from mlplatform.statistics.paired import CONFIDENCE

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class PairedErrors:
    """Mean error of the candidate over that of the champion.

    `lower` and `upper` are one-sided bounds of `ratio`, each at 95 % unless another level was asked
    for; infinite where the rows set
    none. `ratio` is infinite where only the champion makes no error.
    """

    rows: int
    candidate: float
    champion: float
    ratio: float
    lower: float
    upper: float


def paired_errors(
    candidate: Floats, champion: Floats, confidence: float = CONFIDENCE
) -> PairedErrors:
    """Return the ratio of the means of two arrays of errors, at least 0, equal in length.

    Raises:
        ValueError: If they differ in length or are empty.
    """
    rows = len(candidate)
    if rows != len(champion) or not rows:
        raise ValueError(f"rows in pairs are needed, got {rows} and {len(champion)}")
    mine, theirs = float(np.mean(candidate)), float(np.mean(champion))
    lower, upper = _bounds(candidate, champion, confidence)
    ratio = mine / theirs if theirs else (1.0 if not mine else math.inf)
    return PairedErrors(
        rows=rows, candidate=mine, champion=theirs, ratio=ratio, lower=lower, upper=upper
    )


def _bounds(candidate: Floats, champion: Floats, confidence: float) -> tuple[float, float]:
    """Return the ratios that the rows do not refute."""
    mine, theirs = float(np.mean(candidate)), float(np.mean(champion))
    if not theirs:
        return (math.inf, math.inf) if mine else (1.0, 1.0)
    if len(candidate) <= 1:
        return 0.0, math.inf
    # In units of the champion's mean, so that squares of large errors do not overflow.
    (of_mine, both), (_, of_theirs) = np.cov(candidate / theirs, champion / theirs) / len(candidate)
    return roots(mine / theirs, of_mine, both, of_theirs, NormalDist().inv_cdf(confidence))


def roots(
    ratio: float, of_mine: float, both: float, of_theirs: float, z: float
) -> tuple[float, float]:
    """Return the ratios that lie within `z` errors, of means whose variances and covariance these are.

    In units of the champion's mean.
    """
    z2 = z**2
    a, b, c = 1 - z2 * of_theirs, ratio - z2 * both, ratio**2 - z2 * of_mine
    if a <= 0:  # The champion's error is not told from 0.
        return 0.0, math.inf
    root = math.sqrt(max(b * b - a * c, 0.0))
    return max((b - root) / a, 0.0), (b + root) / a
