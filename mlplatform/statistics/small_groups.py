"""What is shown of groups too small to be held to a limit: exact bounds, for all of them at once.

A group of few rows says little, but 49 misses of 49 say enough. Each rate has Clopper & Pearson's (1934)
bounds, each wrong so seldom that all of them together are wrong `error` of the time at most (Bonferroni);
the highest lower bound less the lowest upper bound is then a bound of the gap, however few the rows.
"""

from dataclasses import dataclass

import numpy as np

from mlplatform.statistics.group_gaps import Bools, Counts, Floats, Rate, exact


@dataclass(frozen=True, kw_only=True)
class Shown:
    """Two groups by their places among all: a gap of at least `bound`, or a ratio of at most that."""

    bound: float
    observed: float
    low: int
    high: int


def shown_difference(cells: Counts, rate: Rate, error: float) -> Shown:
    """Return the largest difference that is shown of any group and a judged one; below 0: none is."""
    low, high, lower, upper = _furthest(cells, rate, error)
    seen = _seen(cells, rate)
    bound, observed = float(lower[high] - upper[low]), float(seen[high] - seen[low])
    return Shown(bound=bound, observed=observed, low=low, high=high)


def shown_ratio(cells: Counts, rate: Rate, error: float) -> Shown:
    """Return the smallest ratio that is shown of any group and a judged one; 1 or above: none is."""
    low, high, lower, upper = _furthest(cells, rate, error, ratio=True)
    seen = _seen(cells, rate)
    bound = float(upper[low] / lower[high]) if lower[high] > 0 else np.inf
    observed = float(seen[low] / seen[high]) if seen[high] else np.nan
    return Shown(bound=bound, observed=observed, low=low, high=high)


def _furthest(
    cells: Counts, rate: Rate, error: float, *, ratio: bool = False
) -> tuple[int, int, Floats, Floats]:
    hits, rows = rate.counts(cells)
    lower, upper = exact(hits, rows, error / (2 * max(int((rows > 0).sum()), 1)))
    pairs = [
        (_place(upper, rows > 0, -1), _place(lower, rate.judged, 1)),
        (_place(upper, rate.judged, -1), _place(lower, rows > 0, 1)),
    ]

    def apart(pair: tuple[int, int]) -> float:
        low, high = pair
        return float(-upper[low] / max(lower[high], 1e-300) if ratio else lower[high] - upper[low])

    return (*max(pairs, key=apart), lower, upper)


def _place(values: Floats, among: Bools, sign: int) -> int:
    return int(np.where(among, sign * values, -np.inf).argmax())


def _seen(cells: Counts, rate: Rate) -> Floats:
    hits, rows = rate.counts(cells)
    seen: Floats = hits / np.maximum(rows, 1)
    return seen
