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
ANCHOR_STEPS = 64  # Steps a spread is cut in, of which the anchor is one: it stays a short number.


@dataclass(frozen=True)
class Frame:
    """Where a column's bins lie: the anchor, and by what power of two distances are scaled."""

    anchor: float
    scale: float = 1.0

    def edge(self, rank: "NDArray[np.int64]") -> "NDArray[np.float64]":
        """float64[n]: the end of each rank's bin that is nearer to the anchor."""
        far = (np.abs(rank).astype(np.uint32) << np.uint32(16)).view(np.float32)
        with np.errstate(over="ignore"):
            return self.anchor + np.sign(rank) * far.astype(np.float64) / self.scale

    def far_edge(self, rank: "NDArray[np.int64]") -> "NDArray[np.float64]":
        """float64[n]: the end of each rank's bin that is further from the anchor."""
        return self.edge(rank + np.where(rank < 0, -1, 1))


def frame_of(values: "NDArray[np.float64]", *, whole: bool) -> Frame | None:
    """Return a frame around the median of these finite values; `None` when there are none.

    The anchor is rounded to a step of the spread, so that whole numbers and short fractions have
    short distances, which fall on bin edges.
    """
    if not len(values):
        return None
    middle = len(values) // 2
    median = float(np.partition(values, middle)[middle])
    with np.errstate(over="ignore"):
        spread = float(np.partition(np.abs(values - median), (middle + len(values)) // 2).max())
    if not 0 < spread < np.inf:
        return Frame(median)
    step = 2.0 ** np.floor(np.log2(spread / ANCHOR_STEPS))
    if whole:
        return Frame(float(np.round(median / max(step, 1.0)) * max(step, 1.0)))
    anchor = float(np.round(median / step) * step) if step > 0 else median
    scale = 1.0 if NEAR <= spread <= FAR else float(2.0 ** -np.floor(np.log2(spread)))
    return Frame(anchor if np.isfinite(anchor) else median, scale)


def finite_of(counts: "NDArray[np.int64]") -> "NDArray[np.int64]":
    """int64[..., 2 LAST + 1]: counts by ascending rank from -LAST, of counts by code."""
    below, above = counts[..., SIGN : SIGN + INFINITE], counts[..., :INFINITE]
    middle = below[..., :1] + above[..., :1]
    return np.concatenate([below[..., :0:-1], middle, above[..., 1:]], axis=-1)


def infinite_of(counts: "NDArray[np.int64]") -> "NDArray[np.int64]":
    """int64[...]: counts of both infinities."""
    return np.asarray(counts[..., INFINITE] + counts[..., SIGN + INFINITE])


def missing_of(counts: "NDArray[np.int64]") -> "NDArray[np.int64]":
    """int64[...]: counts of NaN, which stands for a missing value."""
    positive = counts[..., INFINITE + 1 : SIGN].sum(-1)
    return np.asarray(positive + counts[..., SIGN + INFINITE + 1 :].sum(-1))
