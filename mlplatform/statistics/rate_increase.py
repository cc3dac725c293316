"""By how much a gap of rates grew from the champion to the candidate: of differences, and of a ratio."""

from collections.abc import Sequence
from math import exp, isfinite
from statistics import NormalDist

from mlplatform.statistics.gap_increase import Increase, estimates, gap_increase
from mlplatform.statistics.group_gaps import Counts, Rate, smallest_ratio
from mlplatform.statistics.paired_changes import log_changes, rate_changes

ERROR = 0.05  # Of an upper bound, by itself.


def difference_increase(
    cells: Counts,
    drawn: Counts,
    candidate: Sequence[Rate],
    champion: Sequence[Rate],
    critical: float,
    error: float,
) -> Increase:
    """Return by how much the largest difference grew; the lower bound is wrong `error` of the time at most."""
    mine, theirs = (
        [estimates(cells, drawn, rate, critical) for rate in rates]
        for rates in (candidate, champion)
    )
    changes = [rate_changes(cells, *pair) for pair in zip(candidate, champion, strict=True)]
    return gap_increase(mine, theirs, changes, error, ERROR)


def ratio_drop(
    cells: Counts,
    drawn: Counts,
    candidate: Sequence[Rate],
    champion: Sequence[Rate],
    critical: float,
    error: float,
) -> Increase | None:
    """Return by how much the smallest ratio of one rate fell, and bounds; None where nobody is selected.

    The ratio is exp(-gap of logarithms), so that it falls from r by r (1 - exp(-increase)): bounds of
    the increase and of r, each with half of the error, bound that.
    """
    (mine,), (theirs,) = candidate, champion
    one, other = (smallest_ratio(cells, rate, critical) for rate in (mine, theirs))
    if not (isfinite(one.observed) and isfinite(other.observed)):
        return None
    new, old = (estimates(cells, drawn, rate, critical, log=True) for rate in (mine, theirs))
    changes = log_changes(new.seen, old.seen, new.off - old.off)
    _, low, high = gap_increase([new], [old], [changes], error / 2, ERROR / 2)
    at_least, at_most = _between(cells, theirs, error / 2), _between(cells, theirs, ERROR / 2)
    lower, upper = (1 - exp(-min(max(grown, -50.0), 50.0)) for grown in (low, high))
    drop = other.observed - one.observed
    return (
        drop,
        min(lower * (at_least[0] if lower > 0 else at_least[1]), drop),
        max(upper * (at_most[1] if upper > 0 else at_most[0]), drop),
    )


def _between(cells: Counts, rate: Rate, error: float) -> tuple[float, float]:
    """Return a lower and an upper bound of a smallest ratio, each wrong `error` of the time at most."""
    groups = int(rate.judged.sum())
    pairs = max(groups * (groups - 1) / 2, 1)
    of_all = NormalDist().inv_cdf(1 - error / pairs)
    found = smallest_ratio(cells, rate, of_all, 1 - error)
    return found.lower, found.upper
