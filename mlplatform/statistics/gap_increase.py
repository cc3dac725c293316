"""By how much a gap between groups grew from one model to another on the same rows, and how sure that is.

A gap is the largest of many differences, so it is not smooth, and its plain bootstrap is wrong up to
18 % of the time where two groups tie. These bounds are not. The estimate of the candidate's gap is too
large by no more than its widest pair is, whichever that is; that of the champion's is too small by no
more than its truly widest pair is. So the estimated increase is too large by at most the largest
deviation over the candidate's pairs less that of the champion's pair, drawn together in paired
replicates; the champion's truly widest pair is unknown, and the worst of those it may be counts.
"""

from collections.abc import Sequence

import numpy as np

from mlplatform.statistics.group_gaps import Counts, Floats, Rate, wilson


def gap_increase(
    cells: Counts,
    drawn: Counts,
    candidate: Sequence[Rate],
    champion: Sequence[Rate],
    critical: float,
    confidence: float = 0.95,
) -> tuple[float, float, float]:
    """Return the increase of the largest difference, and its two one-sided bounds at `confidence`.

    Args:
        cells: int[groups, cells], each row counted by what both models say of it.
        drawn: int[replicates, groups, cells], from `group_gaps.replicates`.
        candidate: Rates whose largest difference is the candidate's gap.
        champion: The same ones of the champion.
        critical: Of `group_gaps.critical_value`: what tells which pairs may be the widest.
        confidence: Of each bound.
    """
    seen = _gap(cells, candidate) - _gap(cells, champion)
    mine = [_Deviations(cells, drawn, rate, critical) for rate in candidate]
    theirs = [_Deviations(cells, drawn, rate, critical) for rate in champion]
    lower, upper = (_reach(*both, confidence) for both in ((mine, theirs), (theirs, mine)))
    return float(seen), float(seen - lower), float(seen + upper)


class _Deviations:
    """How far replicates of a rate are off, for the groups that may truly be highest and lowest."""

    def __init__(self, cells: Counts, drawn: Counts, rate: Rate, critical: float) -> None:
        off = rate.value(drawn) - rate.value(cells)
        _, lower, upper = wilson(cells, rate, critical)
        self.high: Floats = off[:, upper >= lower.max()]
        self.low: Floats = off[:, lower <= upper.min()]

    @property
    def widest(self) -> Floats:
        """float64[replicates]: the largest deviation of a difference."""
        largest: Floats = self.high.max(1) - self.low.min(1)
        return largest


def _reach(above: Sequence[_Deviations], below: Sequence[_Deviations], confidence: float) -> float:
    widest = np.max([each.widest for each in above], axis=0)
    worst = -np.inf
    for each in below:
        for high in each.high.T:
            apart = (widest - high)[:, None] + each.low
            worst = max(worst, float(np.quantile(apart, confidence, axis=0).max()))
    return worst


def _gap(cells: Counts, rates: Sequence[Rate]) -> float:
    return max(float(np.ptp(rate.value(cells))) for rate in rates)
