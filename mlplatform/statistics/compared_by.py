"""Comparisons made of what was counted or summed on the rows: by flips, by a spread, by errors."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mlplatform.statistics import bounds, paired, paired_errors, ratio_bounds
from mlplatform.statistics.compared import Compared

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
NAN = float("nan")


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What is compared: the metric, by how much it may be worse, and the level of each bound."""

    metric: str
    margin: float
    confidence: float


def unknown(
    asked: Asked,
    rows: int,
    candidate: float = NAN,
    champion: float = NAN,
    *,
    relative: bool = False,
) -> Compared:
    """Return the comparison that these rows do not allow: nothing bounds it."""
    return Compared(
        metric=asked.metric,
        rows=rows,
        candidate=candidate,
        champion=champion,
        better=NAN,
        lower=NAN,
        upper=NAN,
        margin=asked.margin,
        power_if_equal=None,
        rows_needed=None,
        relative=relative,
        method="none",
    )


def by_flips(asked: Asked, candidate: Bools, champion: Bools, judged: Bools) -> Compared:
    """Return the difference of the shares of `judged` rows that either model has right.

    By Tango's score; of recall the positives are judged, and the rows needed are scaled to all.
    """
    rows, of = len(judged), int(judged.sum())
    if not of:
        return unknown(asked, rows)
    mine, theirs = (right[judged].astype(np.float64) for right in (candidate, champion))
    seen = paired.paired_difference(mine, theirs, asked.confidence)
    decided = _decided(asked, seen.lower, seen.upper)
    needed = None if decided else paired.rows_needed(seen, asked.margin, asked.confidence)
    return Compared(
        metric=asked.metric,
        rows=rows,
        candidate=float(mine.mean()),
        champion=float(theirs.mean()),
        better=seen.observed,
        lower=seen.lower,
        upper=seen.upper,
        margin=asked.margin,
        power_if_equal=paired.power_if_equal(seen, asked.margin, asked.confidence),
        rows_needed=needed and math.ceil(needed * rows / of),
        gained=seen.gained,
        lost=seen.lost,
        method="score",
    )


def by_spread(
    asked: Asked,
    candidate: float,
    champion: float,
    seen: bounds.Spread | None,
    rows: int,
    method: str,
    right: tuple[Bools, Bools] | None = None,
) -> Compared:
    """Return the difference that `seen` bounds, or none where there is no spread.

    `right` says which rows either model has right, of a metric of right and wrong.
    """
    if seen is None:
        return unknown(asked, rows, candidate, champion)
    lower, upper = bounds.bounds(seen, asked.confidence)
    decided = _decided(asked, lower, upper)
    needed = None if decided else bounds.rows_needed(seen, asked.margin, asked.confidence)
    return Compared(
        metric=asked.metric,
        rows=rows,
        candidate=candidate,
        champion=champion,
        better=seen.observed,
        lower=lower,
        upper=upper,
        margin=asked.margin,
        power_if_equal=bounds.power_if_equal(seen, asked.margin, asked.confidence),
        rows_needed=needed,
        gained=None if right is None else int((right[0] & ~right[1]).sum()),
        lost=None if right is None else int((right[1] & ~right[0]).sum()),
        method=method,
    )


def by_errors(asked: Asked, mine: Floats, theirs: Floats, power: float) -> Compared:
    """Return the difference of errors as a share of the champion's, by Fieller's theorem.

    The metric is the mean of the rows' errors to the `power`: 1/2 of squares, else 1. What a row not
    seen may change is allowed for as in `bounds`, in the bounds, the power and the rows needed alike.
    """
    rows = len(mine)
    of_mine, of_theirs = (float(np.mean(each)) ** power for each in (mine, theirs))
    seen = paired_errors.paired_errors(mine, theirs, asked.confidence)
    if rows <= 1 or not seen.champion or not math.isfinite(seen.upper):
        return unknown(asked, rows, of_mine, of_theirs, relative=True)
    ratios = ratio_bounds.Ratios.of(mine, theirs)
    least, most = ratios.bounds(1.0, asked.confidence)
    lower, upper = 1 - most**power, 1 - least**power
    limit = (1 + asked.margin) ** (1 / power)
    decided = _decided(asked, lower, upper)
    return Compared(
        metric=asked.metric,
        rows=rows,
        candidate=of_mine,
        champion=of_theirs,
        better=1 - seen.ratio**power,
        lower=lower,
        upper=upper,
        margin=asked.margin,
        power_if_equal=ratios.power_if_equal(limit, asked.confidence),
        rows_needed=None if decided else ratios.rows_needed(limit, asked.confidence),
        relative=True,
        method="fieller",
    )


def _decided(asked: Asked, lower: float, upper: float) -> bool:
    return lower >= -asked.margin or upper < -asked.margin
