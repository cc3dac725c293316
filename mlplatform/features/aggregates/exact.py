"""Sums without rounding: fixed-point numbers in three int64 limbs, which add in any order to the same bits.

A value becomes round(value * 2**40), of which limb 0 counts 2**68, limb 1 counts 2**34 and limb 2
counts 1. Limbs of fewer than 2**28 values add without overflow. The sum is rounded once, to the
nearest float64, ties to even.
"""

import numpy as np

LIMIT = 2**62  # Values are smaller; larger ones have no place in the limbs.
FRACTION = 40  # Bits behind the binary point: sums are exact to 2**-40.
LIMB = 34  # Bits.
_MASK = (1 << LIMB) - 1
_FREE = 62  # Bits of a mantissa: more than float64's 53, and two below the sign of an int64.


def limbs(values: np.ndarray) -> np.ndarray:
    """Return int64[3, n] of int64[n] or finite float64[n], each of magnitude below `LIMIT`."""
    if values.dtype == np.int64:
        below = 2 * LIMB - FRACTION  # Bits of the whole number that limb 0 does not hold.
        rest = (values & ((1 << below) - 1)) << (FRACTION - LIMB)
        return np.stack([values >> below, rest, np.zeros_like(values)])
    # Every step is exact: products with powers of two, and differences that drop leading bits.
    fixed = np.rint(values * 2.0**FRACTION)
    top = np.trunc(fixed * 2.0 ** (-2 * LIMB))
    fixed -= top * 2.0 ** (2 * LIMB)
    middle = np.trunc(fixed * 2.0**-LIMB)
    return np.stack([top, middle, fixed - middle * 2.0**LIMB]).astype(np.int64)


def rounded(sums: np.ndarray) -> np.ndarray:
    """Return float64[n] nearest to the sums int64[3, n]."""
    top, middle, low = _carried(*sums)
    sign = np.where(top < 0, -1, 1)
    top, middle, low = _carried(top * sign, middle * sign, low * sign)
    top, lost, first = _appended(top, middle)
    top, lost_low, second = _appended(top, low)  # None, unless all of the middle had room.
    # The last bit stands for all that did not fit, so that a tie is seen as one only when it is.
    top |= (lost | lost_low) != 0
    result: np.ndarray = np.ldexp(top.astype(np.float64), 2 * LIMB - FRACTION - first - second)
    return result * sign


def _carried(
    top: np.ndarray, middle: np.ndarray, low: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the same numbers with the lower limbs between 0 and 2**34."""
    middle = middle + (low >> LIMB)
    return top + (middle >> LIMB), middle & _MASK, low & _MASK


def _appended(number: np.ndarray, limb: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Append as many leading bits of a limb as have room; return also what is left, and how many."""
    used = np.frexp(number.astype(np.float64))[1]
    room = np.clip(_FREE - used, 0, LIMB).astype(np.int64)
    left = limb & ((np.int64(1) << (LIMB - room)) - 1)
    return (number << room) | (limb >> (LIMB - room)), left, room
