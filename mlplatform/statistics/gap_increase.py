"""By how much a gap between groups grew from one model to another on the same rows, and how sure that is.

A gap is the largest of many differences, so it is not smooth, and its plain bootstrap is wrong up to
18 % of the time where two groups tie. Two bounds are not, and the better one counts on each side.

One: the gap grew by no more than the difference did of the pair that is the candidate's widest, since
the champion's gap is no smaller than of that pair. Which pair that is, is unknown, so it is bounded for
each that may be (Berger 1982, Technometrics 24:295); a pair's difference grew by its two groups' changes,
which are paired: near 0 where the models answer nearly alike. And by no less than that of the
champion's widest pair.

Two: the estimate of the candidate's gap is too large by no more than its widest pair is, whichever that
is; that of the champion's is too small by no more than its truly widest pair is. So the estimated
increase is too large by at most the largest deviation over the candidate's pairs less that of the
champion's pair, drawn together in paired replicates; the champion's truly widest pair is unknown, and the
worst of those it may be counts. It tells where the gap moved from one pair to another.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from mlplatform.statistics.group_gaps import Counts, Floats, Rate, bounds, pairs_of
from mlplatform.statistics.paired_changes import Changes

WORK = (
    50_000_000  # Numbers that quantiles are taken of; beyond that one wider bound serves all pairs.
)
TINY = 1e-12
PAIRED = (
    0.8  # Share of an upper bound's error that the first bound has: it is the better one mostly.
)
Increase = tuple[float, float, float]  # Observed, and its lower and upper bound.


@dataclass(frozen=True, eq=False)
class Estimates:
    """Of groups, what was seen, f[groups]; how far replicates are off, f[replicates, groups]; bounds, f[groups]."""

    seen: Floats
    off: Floats
    lower: Floats
    upper: Floats

    @property
    def high(self) -> Floats:
        """Deviations of the groups that may truly be highest."""
        return self.off[:, self.upper >= self.lower.max()]

    @property
    def low(self) -> Floats:
        """Deviations of the groups that may truly be lowest."""
        return self.off[:, self.lower <= self.upper.min()]

    @property
    def widest(self) -> Floats:
        """float64[replicates]: the largest deviation of a difference."""
        largest: Floats = self.high.max(1) - self.low.min(1)
        return largest


def estimates(
    cells: Counts, drawn: Counts, rate: Rate, critical: float, *, log: bool = False
) -> Estimates:
    """Return what is known of a rate of groups, or of its logarithm.

    Args:
        cells: int[groups, cells], each row counted by what both models say of it.
        drawn: int[replicates, groups, cells], from `group_gaps.replicates`.
        rate: Of one model.
        critical: Of `group_gaps.critical_value`: what tells which pairs may be the widest.
        log: Whether differences are to be those of logarithms.
    """
    _, lower, upper = bounds(cells, rate, critical)
    seen, again = rate.value(cells), rate.value(drawn)
    if log:
        seen, again = _log(cells, rate), _log(drawn, rate)
        lower, upper = np.log(np.maximum(lower, TINY)), np.log(np.maximum(upper, TINY))
    return Estimates(seen, again - seen, lower, upper)


def gap_increase(
    candidate: Sequence[Estimates],
    champion: Sequence[Estimates],
    changes: Sequence[Changes],
    error: float = 0.05,
    upper_error: float = 0.05,
) -> Increase:
    """Return the increase of the largest difference over all rates, and its two one-sided bounds.

    Args:
        candidate: Rates whose largest difference is the candidate's gap.
        champion: The same ones of the champion.
        changes: From the champion to the candidate, of the same ones.
        error: How often the lower bound may be wrong.
        upper_error: How often the upper one may.
    """
    seen = max(float(np.ptp(of.seen)) for of in candidate)
    seen -= max(float(np.ptp(of.seen)) for of in champion)
    lower = max(
        -_most_grown(champion, changes, error / 2, sign=-1),
        seen - _reach(candidate, champion, 1 - error / 2),
    )
    upper = min(
        _most_grown(candidate, changes, upper_error * PAIRED),
        seen + _reach(champion, candidate, 1 - upper_error * (1 - PAIRED)),
    )
    return seen, min(lower, seen), max(upper, seen)


def _most_grown(
    of: Sequence[Estimates], changes: Sequence[Changes], error: float, sign: int = 1
) -> float:
    """Return the largest upper bound of a pair's growth, among those that may be the widest of `of`.

    With `sign` -1 of its shrinking.
    """
    widest = max(float(each.lower.max() - each.upper.min()) for each in of)
    z = NormalDist().inv_cdf(1 - error)
    most = -np.inf
    for each, change in zip(of, changes, strict=True):
        lower, upper = change.bounds(z)
        below, above = (change.seen - lower) ** 2, (upper - change.seen) ** 2
        high, low = (above, below) if sign > 0 else (below, above)
        for at, others in pairs_of(len(each.seen)):  # Row: the higher.
            may = others & (each.upper[at, None] - each.lower >= widest)
            grown = sign * (change.seen[at, None] - change.seen) + np.sqrt(high[at, None] + low)
            most = max(most, float(grown.max(initial=-np.inf, where=may)))
    return most


def _reach(above: Sequence[Estimates], below: Sequence[Estimates], confidence: float) -> float:
    widest = np.max([each.widest for each in above], axis=0)
    worst = -np.inf
    for each in below:
        high, low = each.high, each.low
        if high.size * low.shape[1] > WORK:
            high, low = high.min(1, keepdims=True), low.max(1, keepdims=True)
        for one in high.T:
            apart = (widest - one)[:, None] + low
            worst = max(worst, float(np.quantile(apart, confidence, axis=0).max()))
    return worst


def _log(cells: Counts, rate: Rate) -> Floats:
    hits, rows = (counts[..., rate.judged] for counts in rate.counts(cells))
    found: Floats = np.log((hits + 0.5) / (rows + 1))
    return found
