"""How far two arrays of f32 lie apart, in units in the last place."""

import numpy as np
from numpy.typing import NDArray


def max_ulp(one: NDArray[np.float32], other: NDArray[np.float32]) -> int:
    """Return 0 for equal bits, else the most representable numbers between two values in one place.

    Not a number lies 0 from the same bits and 2**32 from anything else.
    """
    a, b = _ordered(one), _ordered(other)
    apart = np.abs(a - b)
    odd = (np.isnan(one) | np.isnan(other)) & (one.view(np.int32) != other.view(np.int32))
    apart[odd] = 2**32
    return int(apart.max(initial=0))


def _ordered(values: NDArray[np.float32]) -> NDArray[np.int64]:
    """Return whole numbers in the order of the floats, neighbours one apart."""
    bits = np.ascontiguousarray(values).view(np.int32).astype(np.int64)
    return np.where(bits < 0, -(bits & 0x7FFFFFFF), bits)
