"""By how much the rate of each group changed from one model to another on the same rows.

By Tango's score bounds (1998), Statistics in Medicine 17:891, as `paired` has them of all rows: they hold
where the models never disagree on the few rows of a group, of which a bootstrap draws no doubt at all.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from mlplatform.statistics.group_gaps import Counts, Floats, Rate

HALVINGS = 40  # Of an interval at most 2 wide.
Bounds = Callable[[float], tuple[Floats, Floats]]


@dataclass(frozen=True, eq=False)
class Changes:
    """Of groups, f[groups]: the change seen, and its lower and upper bounds at so many standard errors."""

    seen: Floats
    bounds: Bounds


def rate_changes(cells: Counts, candidate: Rate, champion: Rate) -> Changes:
    """Return the changes of a rate that both models have over the same rows."""

    def rows_in(of: object) -> Counts:
        found: Counts = (cells @ np.asarray(of, np.int64))[candidate.judged]
        return found

    rows = rows_in(candidate.of)
    gained = rows_in(candidate.of & candidate.hits & ~champion.hits)
    lost = rows_in(candidate.of & champion.hits & ~candidate.hits)
    return Changes(
        (gained - lost) / rows,
        lambda z: (_lowest(rows, gained, lost, z), -_lowest(rows, lost, gained, z)),
    )


def log_changes(candidate: Floats, champion: Floats, off: Floats) -> Changes:
    """Return the changes of logarithms f[groups], of which replicates are `off` f[replicates, groups]."""
    seen, spread = candidate - champion, off.std(0)
    return Changes(seen, lambda z: (seen - z * spread, seen + z * spread))


def _lowest(rows: Counts, gained: Counts, lost: Counts, z: float) -> Floats:
    """Return the smallest changes that these counts do not refute at `z` standard errors."""
    seen = (gained - lost) / rows
    refuted, kept = np.full(len(rows), -1.0), seen.copy()
    for _ in range(HALVINGS):
        middle = (refuted + kept) / 2
        off = seen - middle > z * np.sqrt(_variance(rows, gained, lost, middle) / rows)
        refuted, kept = np.where(off, middle, refuted), np.where(off, kept, middle)
    return kept


def _variance(rows: Counts, gained: Counts, lost: Counts, change: Floats) -> Floats:
    """Return the variances of one row's change, were the true one `change`: see `paired`."""
    b = -gained - lost + (2 * rows - gained + lost) * change
    c = -lost * change * (1 - change)
    share = (np.sqrt(np.maximum(b * b - 8 * rows * c, 0.0)) - b) / (4 * rows)
    found: Floats = np.maximum(2 * share + change * (1 - change), 0.0)
    return found
