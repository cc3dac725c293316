"""A share of rows, and between which bounds the true share lies."""

import math
from statistics import NormalDist

from scipy.special import betaincinv  # type: ignore[import-untyped] # SciPy ships no types.

TWO_SIDED = 0.95  # Of an interval, where none is asked for.


def exact(hits: int, rows: int, confidence: float = TWO_SIDED) -> tuple[float, float]:
    """Return the two-sided interval of `hits` in `rows`: Clopper & Pearson (1934), Biometrika 26:404.

    It covers the true share at least as often as `confidence` says, however few the rows; each bound
    alone is wrong at most half as often as both. NaN of no rows.

    Raises:
        ValueError: If there are more hits than rows, or fewer than none.
    """
    if not 0 <= hits <= rows:
        raise ValueError(f"{hits} hits in {rows} rows are no share")
    if not rows:
        return math.nan, math.nan
    tail = (1 - confidence) / 2
    lower = float(betaincinv(hits, rows - hits + 1, tail)) if hits else 0.0
    upper = float(betaincinv(hits + 1, rows - hits, 1 - tail)) if hits < rows else 1.0
    return lower, upper


def wilson(hits: int, rows: int) -> tuple[float, float]:
    """Return the two-sided 95 % interval of a share: Wilson (1927), JASA 22:209."""
    z = NormalDist().inv_cdf(1 - (1 - TWO_SIDED) / 2)
    centre = (hits + z**2 / 2) / (rows + z**2)
    reach = z / (rows + z**2) * math.sqrt(hits * (rows - hits) / rows + z**2 / 4)
    return max(centre - reach, 0.0), min(centre + reach, 1.0)
