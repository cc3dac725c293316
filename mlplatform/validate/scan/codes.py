"""Bins without edges: a number's distance from an anchor, rounded to eight bits of precision.

A value x becomes the upper 16 bits of float32((x - anchor) * scale): sign, exponent and seven bits
of the fraction, the layout of bfloat16. So 65,536 counters hold any number, fine near the anchor
and coarse far from it: a bin spans at most 2^-7 of its distance from the anchor, its middle is
within 2^-8 of every value in it. Counters of equal frames add up, in any order.

Ranks put the codes in ascending order: 0 is the anchor's own bin, negative ranks lie below it.
"""

import sys
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

CODES = 65_536
INFINITE = 0x7F80  # float32's infinity, shifted; what is above it in a half is NaN.
LAST = INFINITE - 1  # Rank of the furthest finite bin.
SIGN = 0x8000
UPPER_HALF = 1 if sys.byteorder == "little" else 0
# Distances that float32 holds with room on both sides; others are scaled by a power of two.
NEAR, FAR = 1e-12, 1e18
LOOKED_AT = 8_192  # Values, evenly over those given: a spread of bins need not be exact.
VAST = 2.0**-960  # Scale of distances that even a double cannot hold.
ANCHOR_STEPS = 64  # Steps a spread is cut in, of which the anchor is one: it stays a short number.


@dataclass(frozen=True)
class Frame:
    """Where a column's bins lie: the anchor, and by what power of two distances are scaled."""

    anchor: float
    scale: float = 1.0

    def edge(self, rank: "NDArray[np.int64]") -> "NDArray[np.float64]":
        """float64[n]: the end of each rank's bin that is nearer to the anchor."""
        with np.errstate(all="ignore"):
            return self.anchor + np.sign(rank) * _distance(np.abs(rank) << 16) / self.scale

    def far_edge(self, rank: "NDArray[np.int64]") -> "NDArray[np.float64]":
        """float64[n]: the end of each rank's bin that is further from the anchor."""
        return self.edge(rank + np.where(rank < 0, -1, 1))

    def upto(self, rank: "NDArray[np.int64]") -> "NDArray[np.float64]":
        """float64[n]: the largest number of each rank's bin; float32 rounds what is beyond upwards."""
        code = np.where(rank < 0, -rank, rank + 1) << 16
        with np.errstate(all="ignore"):
            half_way = _distance(code) / 2 + _distance(code - 1) / 2
            distance = np.where(rank < 0, -half_way, np.nextafter(half_way, 0)) / self.scale
            end = self.anchor + distance
            return np.where(end - self.anchor > distance, np.nextafter(end, -np.inf), end)


def _distance(code: "NDArray[np.int64]") -> "NDArray[np.float64]":
    return code.astype(np.uint32).view(np.float32).astype(np.float64)


def frame_of(values: "NDArray[np.float64]", *, whole: bool) -> Frame | None:
    """Return a frame around the median of these finite values; `None` when there are none.

    The anchor is rounded to a step of the spread, so that whole numbers and short fractions have
    short distances, which fall on bin edges.
    """
    if not len(values):
        return None
    values = values[:: -(-len(values) // LOOKED_AT)]
    middle = len(values) // 2
    median = float(np.partition(values, middle)[middle])
    with np.errstate(all="ignore"):
        # The upper quartile of the distances, which is not 0 where half of the values are equal.
        far = (3 * len(values)) // 4
        spread = float(np.partition(np.abs(values - median), far)[far])
        if not 0 < spread < np.inf:
            return Frame(median) if spread == 0 else Frame(0.0, VAST)
        step = float(2.0 ** np.floor(np.log2(spread / ANCHOR_STEPS)))
        if whole:
            step = max(step, 1.0)
        anchor = float(np.round(median / step) * step)
        scale = 1.0 if whole or NEAR <= spread <= FAR else float(2.0 ** -np.floor(np.log2(spread)))
    return Frame(anchor if np.isfinite(anchor) else median, min(scale, 1 / VAST))


def ranks_of(codes: "NDArray[np.int64]") -> "NDArray[np.int64]":
    """int64[n]: the rank of each code; beyond `LAST` lie infinity and what is no number."""
    return np.where(codes < SIGN, codes, SIGN - codes)
