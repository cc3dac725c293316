"""Bounds of the mean of values that cannot leave a range, valid on few rows of any shape. No dice.

The bound of Gaffke (2005), Statistics & Decisions 23:25, studied by Phan, Thomas & Learned-Miller (2021),
ICML, arXiv:2106.03163: rows are weighted as in the Bayesian bootstrap, together with one row that was not
seen, at the end of the range. Of values that are 0 and 1 it is the exact bound of Clopper & Pearson. So
blunders that happen not to be among few rows are allowed for, and many rows tell that they are rare.

The weights are exponential, so the mean is beyond `m` as often as a sum of exponentials times `value - m`
is beyond 0: the saddle point approximation of Lugannani & Rice (1980), Advances in Applied Probability
12:475, in the form of Barndorff-Nielsen (1986), gives that to three digits.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq  # type: ignore[import-untyped] # SciPy ships no types.
from scipy.special import log_ndtr  # type: ignore[import-untyped] # SciPy ships no types.

from mlplatform.statistics.bounds import MOST, NORMAL, POWER

Floats = NDArray[np.float64]
ENDS = 256  # Values at either end that are kept as they are.
GROUPS = 1024  # Of those between, of as many rows each.
CLOSE = 1e-9  # To a bound, as a share of the way from the mean to the end.
HALVINGS = 26  # Of the logarithm of a number of rows.
STEPS = 60  # Halvings of the saddle point's interval, or Newton's steps within it.
NEAR = (
    1e-5  # Of the middle, where the approximation divides by nothing: half of the weight is beyond.
)


@dataclass(frozen=True, eq=False)
class Weighted:
    """Values in rising order, each with the rows that have it."""

    values: Floats
    rows: Floats


def bounds(values: Floats, least: float, most: float, confidence: float) -> tuple[float, float]:
    """Return the one-sided lower and upper bound of the mean, each at `confidence`.

    Args:
        values: float64[rows], at least one.
        least: The smallest value a row can have; where a smaller one was seen, that.
        most: The largest.
        confidence: Between 0.5 and 1.
    """
    seen = _weighted(values)
    mirrored = Weighted(-seen.values[::-1], seen.rows[::-1])
    tail = math.log(1 - confidence)
    return 0.0 - _upper(mirrored, -least, tail), _upper(seen, most, tail)


def rows_needed(
    values: Floats, least: float, most: float, limit: float, confidence: float
) -> int | None:
    """Return how many rows show on which side of `limit` the mean is, with 80 % power if it is as seen.

    None where the mean seen is the limit, or no number of rows decides.
    """
    apart, end = values - limit, most - limit
    if float(np.mean(apart)) > 0:
        apart, end = -apart, limit - least
    seen, deviation = _weighted(apart), float(np.std(apart))

    def decided(times: float) -> bool:
        unlucky = NORMAL.inv_cdf(POWER) * deviation / math.sqrt(times * len(values))
        then = Weighted(seen.values + unlucky, seen.rows * times)
        return _log_tail(then, max(end, 0.0), 0.0) <= math.log(1 - confidence)

    if not decided(MOST):
        return None
    low, high = 0.0, math.log(MOST)
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        low, high = (low, middle) if decided(math.exp(middle)) else (middle, high)
    return max(math.ceil(len(values) * math.exp(high)), len(values) + 1)


def _weighted(values: Floats) -> Weighted:
    """Return the values, those in the middle of very many grouped with their neighbours."""
    ranked, count = np.unique(np.asarray(values, np.float64), return_counts=True)
    if len(ranked) <= 2 * ENDS + GROUPS:
        return Weighted(ranked, count.astype(np.float64))
    ranked = np.repeat(ranked, count)
    starts = np.linspace(ENDS, len(ranked) - ENDS, GROUPS, endpoint=False).astype(np.int64)
    starts = np.concatenate([np.arange(ENDS), starts, np.arange(len(ranked) - ENDS, len(ranked))])
    rows = np.diff(starts, append=len(ranked)).astype(np.float64)
    return Weighted(np.add.reduceat(ranked, starts) / rows, rows)


def _upper(seen: Weighted, most: float, tail: float) -> float:
    """Return the mean that weights exceed as often as `exp(tail)`."""
    low = float(seen.values @ seen.rows / seen.rows.sum())
    end = max(most, float(seen.values[-1]))
    if low >= end:
        return end
    return float(
        brentq(
            lambda mean: max(_log_tail(seen, end, mean), 2 * tail) - tail,
            low,
            end,
            xtol=CLOSE * (end - low),
        )
    )


def _log_tail(seen: Weighted, end: float, mean: float) -> float:
    """Return the logarithm of how often the weighted mean, with a row at `end`, is beyond `mean`."""
    apart, rows = np.append(seen.values, end) - mean, np.append(seen.rows, 1.0)
    if apart.max() <= 0:
        return -math.inf
    if apart.min() >= 0:
        return 0.0
    at = _saddle(apart, rows)
    away = math.copysign(math.sqrt(2 * max(float(rows @ np.log1p(-at * apart)), 0.0)), at)
    if abs(away) < NEAR:
        return math.log(0.5)
    slope = at * math.sqrt(float(rows @ (apart / (1 - at * apart)) ** 2))
    return float(log_ndtr(-(away + math.log(slope / away) / away)))


def _saddle(apart: Floats, rows: Floats) -> float:
    """Return where the cumulant generating function `-rows @ log(1 - s * apart)` is flat."""
    low, high = 1 / float(apart.min()), 1 / float(apart.max())
    at = 0.0
    for _ in range(STEPS):
        each = apart / (1 - at * apart)
        slope = float(rows @ each)
        low, high = (low, at) if slope > 0 else (at, high)
        step = at - slope / float(rows @ each**2)
        step = step if low < step < high else (low + high) / 2
        if abs(step - at) <= 1e-9 * abs(step):
            break
        at = step
    return at
