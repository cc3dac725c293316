"""How far floats lie apart, in units in the last place (Dawson 2012, Comparing Floating Point Numbers)."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

_WORDS = {2: np.int16, 4: np.int32, 8: np.int64}


def ulps(first: NDArray[Any], second: NDArray[Any]) -> NDArray[np.int64]:
    """Return how many floats of their type lie between each two numbers: 0 for equal ones, 1 for neighbours.

    At most 2**62: as far as a NaN is from a number, and a whole number from another. Two NaN are equal.
    """
    furthest = np.int64(2**62)
    if first.dtype.kind != "f":
        return np.where(first == second, np.int64(0), furthest)
    one, other = _ordered(first), _ordered(second)
    # As floats first: the two ends of float64 lie further apart than an int64 holds.
    wide = np.abs(one.astype(np.float64) - other.astype(np.float64)) > float(furthest)
    apart = np.abs(one - other, where=~wide, out=np.full(one.shape, furthest))
    lost = np.isnan(first) != np.isnan(second)
    apart = np.where(lost, furthest, apart)
    same: NDArray[np.int64] = np.where(np.isnan(first) & np.isnan(second), np.int64(0), apart)
    return same


def _ordered(values: NDArray[Any]) -> NDArray[np.int64]:
    """Return whole numbers in the order of the floats, neighbours one apart, both zeros 0."""
    size = values.dtype.itemsize
    bits = np.ascontiguousarray(values).view(_WORDS[size]).astype(np.int64)
    magnitude = bits & np.int64(2 ** (8 * size - 1) - 1)
    return np.where(bits < 0, -magnitude, magnitude)
