"""The bootstrap of one model's metrics: what they would be on other rows drawn as these were.

Rows are not drawn again one by one. What decides a metric is summed up first, over cells of similar
rows (`statistics.cells`) or over groups of random rows (`Groups`), and the sums are drawn: the cost
of a replicate does not grow with the rows.
"""

import math
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, stdtrit  # type: ignore[import-untyped] # SciPy ships no types.

from mlplatform.statistics.proportion import exact

Floats = NDArray[np.float64]

REPLICATES = (
    1000  # A bound then wanders by a twelfth of a standard error: Efron & Tibshirani (1993), 14.
)
GROUPS = 2048  # Groups of random rows: the spread of their means is known to 1.6 %.
CLEARLY = 3.0  # Standard errors: of ten bins without a gap, one in 37 tables has one that far off.
LEAST_KNOWN = 0.5  # Of the replicates, for bounds: a metric that most replicates lack has none.


def bounds(observed: float, drawn: Floats, rows: int, confidence: float) -> tuple[float, float]:
    """Return the two-sided interval that `drawn`, replicates of `observed`, tell.

    Percentiles, spread for few rows as Student's t is against a normal: the expanded percentile
    interval of Hesterberg (2015), American Statistician 69:371, section 5.3. NaN below two rows, or
    where most replicates are NaN.
    """
    known = drawn[np.isfinite(drawn)]
    if rows <= 1 or not math.isfinite(observed) or len(known) < LEAST_KNOWN * len(drawn):
        return math.nan, math.nan
    t = stdtrit(rows - 1, 1 - (1 - confidence) / 2)
    tail = float(ndtr(-math.sqrt(rows / (rows - 1)) * t))
    lower, upper = np.quantile(known, [tail, 1 - tail]).tolist()
    return min(lower, observed), max(upper, observed)


def unbiased(observed: float, drawn: Floats) -> Floats:
    """Return replicates of a metric that chance makes larger (or smaller), moved to where the truth may be.

    A replicate has the chance of the rows and its own: their mean lies as far above what was observed
    as that lies above the truth, so they are moved down by twice the distance.
    """
    known = drawn[np.isfinite(drawn)]
    return drawn - 2 * (float(np.mean(known)) - observed) if len(known) else drawn


def bounds_of_gaps(
    observed: Floats, drawn: Floats, rows: int, confidence: float
) -> tuple[float, float]:
    """Return the two-sided interval of the sum of |gap| over bins, at least 0: a calibration error.

    Chance alone makes the sum larger. The lower bound takes from it what chance may have added: of a bin
    that is clearly off, the noise in that direction, of another the noise in any, so that
    a model without any true gap keeps 0 within. Both are lower bounds of the true |gap|, by the
    triangle inequality. The upper bound is of replicates moved down by what chance adds to them, once:
    moved as `unbiased` ones it was too low for one model in ten of small gaps. Where no replicate has
    any gap, it is that of a share of which as many rows had none.

    Args:
        observed: f64[bins].
        drawn: f64[replicates, bins].
        rows: That the gaps are of.
        confidence: Two-sided.
    """
    if not drawn.any():
        return exact(0, rows, confidence)
    tail, total = (1 - confidence) / 2, float(np.abs(observed).sum())
    noise = drawn - observed
    off = np.abs(observed) > CLEARLY * noise.std(0)
    added = np.where(off, noise * np.sign(observed), np.abs(noise)).sum(1)
    lower = max(total - float(np.quantile(added, 1 - tail)), 0.0)
    sums = np.abs(drawn).sum(1)
    upper = float(np.quantile(sums, 1 - tail) - np.mean(sums)) + total
    return min(lower, total), max(upper, total)


@dataclass(frozen=True, eq=False)
class Groups:
    """Rows in groups at random, each drawn as one: for metrics that are functions of means.

    Attributes:
        rows: How many.
        group: int64[rows], the group of each; their sizes differ by one at most. None: each row is one.
    """

    rows: int
    group: NDArray[np.int64] | None

    @staticmethod
    def of(rows: int, seed: int = 0) -> "Groups":
        """Return the groups of so many rows."""
        if rows <= GROUPS:
            return Groups(rows, None)
        return Groups(rows, np.random.default_rng(seed).permutation(rows) % GROUPS)

    def means(self, values: Floats) -> Floats:
        """Return f64[replicates]: the mean of `values` f64[rows] in each."""
        found = self._sums(values) @ _weights(min(self.rows, GROUPS)).T
        return np.asarray(found / self._drawn)

    def shares(self, codes: NDArray[np.int64], width: int, values: Floats | None = None) -> Floats:
        """Return f64[replicates, width]: the share of rows of each code, or the mean of `values` there times it."""
        groups = min(self.rows, GROUPS)
        group = np.arange(self.rows) if self.group is None else self.group
        sums = np.bincount(group * width + codes, values, groups * width).reshape(groups, width)
        return np.asarray(_weights(groups) @ sums / self._drawn[:, None])

    @cached_property
    def _drawn(self) -> Floats:
        """Return f64[replicates]: rows drawn in each."""
        return np.asarray(_weights(min(self.rows, GROUPS)) @ self._sums(np.ones(self.rows)))

    def _sums(self, values: Floats) -> Floats:
        if self.group is None:
            return values
        return np.asarray(np.bincount(self.group, values, GROUPS), np.float64)


@lru_cache(maxsize=2)
def _weights(groups: int, seed: int = 0) -> Floats:
    """Return f64[replicates, groups]: how often each group is drawn, `groups` times each."""
    drawn = np.random.default_rng(seed).integers(0, groups, (REPLICATES, groups))
    drawn += np.arange(REPLICATES)[:, None] * groups
    counts = np.bincount(drawn.ravel(), minlength=REPLICATES * groups)
    return counts.reshape(REPLICATES, groups).astype(np.float64)
