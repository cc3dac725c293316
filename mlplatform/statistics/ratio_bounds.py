"""Bounds of a ratio of two mean errors with the allowance of `bounds`, and what more rows would tell. Pure.

Fieller's bounds, as in `paired_errors`, and beyond them what a row that was not seen may change the ratio by.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mlplatform.statistics.bounds import HALVINGS, MOST, NORMAL, POWER
from mlplatform.statistics.paired_errors import roots

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Ratios:
    """Two models' errors on the same rows, the champion's mean being 1.

    Attributes:
        rows: As many as were seen.
        ratio: The candidate's mean error over the champion's.
        covariance: Of one row's two errors: candidate's, of both, champion's.
        differ: Rows whose errors differ.
        furthest: The row furthest from the ratio: what it adds to the candidate's error beyond it.
        largest: The largest error of either.
    """

    rows: int
    ratio: float
    covariance: tuple[float, float, float]
    differ: int
    furthest: float
    largest: float

    @staticmethod
    def of(candidate: Floats, champion: Floats) -> "Ratios":
        """Return what is seen of at least two rows, on which the champion makes an error."""
        theirs = float(np.mean(champion))
        one, other = candidate / theirs, champion / theirs
        ratio = float(np.mean(one))
        (of_one, both), (_, of_other) = np.cov(one, other)
        return Ratios(
            rows=len(one),
            ratio=ratio,
            covariance=(float(of_one), float(both), float(of_other)),
            differ=int(np.count_nonzero(candidate - champion)),
            furthest=float(np.abs(one - ratio * other).max()),
            largest=float(max(one.max(), other.max())),
        )

    def bounds(self, times: float, confidence: float) -> tuple[float, float]:
        """Return the one-sided bounds of the ratio that `times` as many rows of the same kind would set."""
        rows, z = self.rows * times, NORMAL.inv_cdf(confidence)
        of_one, both, of_other = (each / rows for each in self.covariance)
        low, high = roots(self.ratio, of_one, both, of_other, z)
        reach = z * self._reach(times, z)
        least = max(self.ratio - math.hypot(self.ratio - low, reach), 0.0)
        return least, self.ratio + math.hypot(high - self.ratio, reach)

    def power_if_equal(self, limit: float, confidence: float) -> float:
        """Return the chance to pass for a ratio that is truly 1, from rows that vary as these."""
        reach = self.bounds(1.0, confidence)[1] - self.ratio
        deviation = self._deviation(1.0)
        if not deviation:
            return float(reach <= limit - 1)
        return NORMAL.cdf((limit - 1 - reach) / deviation)

    def rows_needed(self, limit: float, confidence: float) -> int | None:
        """Return how many rows show with 80 % power on which side of `limit` a ratio as seen is.

        None where it is the limit: no number of rows decides.
        """

        def decided(times: float) -> bool:
            also = self._wanders(times, NORMAL.inv_cdf(confidence))
            unlucky = NORMAL.inv_cdf(POWER) * math.hypot(self._deviation(times), also)
            least, most = self.bounds(times, confidence)
            return least - unlucky > limit if self.ratio > limit else most + unlucky <= limit

        if not decided(MOST):
            return None
        low, high = 0.0, math.log(MOST)
        for _ in range(HALVINGS):
            middle = (low + high) / 2
            low, high = (low, middle) if decided(math.exp(middle)) else (middle, high)
        return max(math.ceil(self.rows * math.exp(high)), self.rows + 1)

    def _deviation(self, times: float) -> float:
        """Return the standard deviation of the ratio seen on `times` as many rows."""
        of_one, both, of_other = self.covariance
        variance = max(of_one - 2 * self.ratio * both + self.ratio**2 * of_other, 0.0)
        return math.sqrt(variance / (self.rows * times))

    def _wanders(self, times: float, z: float) -> float:
        """Return the standard deviation of the allowance: of the champion's mean and the rows that differ."""
        of_mean = self.covariance[2] / (self.rows * times)
        of_differ = 1 / max(self.differ * times, 1.0)
        return z * self._reach(times, z) * math.sqrt(of_mean + of_differ)

    def _reach(self, times: float, z: float) -> float:
        """Return what one row more could change the ratio by; of rows that hardly differ, `z` times that."""
        differ = math.sqrt(1 + self.differ * times)
        unseen = self.largest / differ
        return max(1.0, z / differ) * max(self.furthest, unseen) / (self.rows * times)
