"""How far the rates of groups lie apart, and how sure that is, for all groups and rates at once.

The largest of many differences is large by chance: five groups that are equal differ by more than
5 points in 78 of 100 samples of 100 rows each. So the lower bound of a gap holds for every pair of
groups and every rate at once: its critical value is the 95 % quantile of the largest standardized
deviation over them (max-t, Westfall & Young 1993), by a parametric bootstrap of each group's counts,
as Cherian & Candès (2023), arXiv:2305.03712, bound disparities over many groups. The upper bound
needs no such correction: "no pair differs by more" is shown by showing it of each pair (the
intersection-union principle, Berger 1982, Technometrics 24:295).

The bounds of one pair are made of each rate's own Wilson bounds, which hold near 0 and 1: of a
difference by Newcombe's method 10 (1998), Statistics in Medicine 17:873, of a ratio by Donner & Zou
(2012), Statistical Methods in Medical Research 21:347. Of a rate over fewer than `FEW` rows they are
made of Clopper & Pearson's (1934) exact bounds, Biometrika 26:404.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaincinv  # type: ignore[import-untyped] # SciPy ships no types.

Counts = NDArray[np.int64]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

REPLICATES = 2_000  # The 95 % quantile then rests on the 100 largest.
WORK = (
    40_000_000  # Deviations computed at most: thousands of pairs of groups take fewer replicates.
)
FEWEST = 400  # The 95 % quantile then rests on the 20 largest.
MANY = 1_500  # Groups whose pairs are corrected for by Bonferroni: replicates would take minutes.
FEW = 50  # Rows below which the bounds of a rate are exact.
CHUNK = 4_000_000  # Pairs of groups held in memory at once.


@dataclass(frozen=True, eq=False)
class Rate:
    """A rate of groups: of the rows in the cells `of` the share in the cells `hits`; bool[cells] both.

    `judged` is bool[groups]: whose rate counts. Two at least are needed for a gap. `complete` says
    whether no group that should count is without a row.
    """

    hits: Bools
    of: Bools
    judged: Bools
    complete: bool = True

    def counts(self, cells: Counts) -> tuple[Counts, Counts]:
        """Return hits and rows, each int64[…, groups], of cells int64[…, groups, cells]."""
        return cells @ (self.hits & self.of).astype(np.int64), cells @ self.of.astype(np.int64)

    def value(self, cells: Counts) -> Floats:
        """Return float64[…, judged groups]: the rates, 0 where a replicate has no row."""
        hits, rows = self.counts(cells)
        judged: Floats = (hits / np.maximum(rows, 1))[..., self.judged]
        return judged


@dataclass(frozen=True, kw_only=True)
class Gap:
    """Largest difference of two groups' rates, or smallest ratio; `low` and `high` are their places.

    `lower` and `upper` are one-sided bounds; the one on the bad side holds for all pairs at once.
    """

    observed: float
    lower: float
    upper: float
    low: int
    high: int


def replicates(cells: Counts, seed: int = 0) -> Counts:
    """Return int64[replicates, groups, cells]: counts of each group drawn anew from its own shares."""
    rows = cells.sum(1)
    groups = int((rows > 0).sum())
    draws = max(min(REPLICATES, WORK // max(groups * groups, 1)), FEWEST)
    rng = np.random.default_rng(seed)
    shares = cells / np.maximum(rows, 1)[:, None]
    drawn = [rng.multinomial(n, p, size=draws) for n, p in zip(rows, shares, strict=True) if n]
    found = np.zeros((draws, *cells.shape), dtype=np.int64)
    if drawn:
        found[:, rows > 0] = np.stack(drawn, axis=1)
    return found


def critical_value(
    cells: Counts,
    drawn: Counts,
    rates: Mapping[str, Rate],
    ratios: frozenset[str] = frozenset(),
    confidence: float = 0.95,
) -> float:
    """Return the `confidence` quantile of the largest standardized deviation over pairs and rates.

    Of the rates named in `ratios` the logarithms' differences count too. It is never below that of
    one pair alone.
    """
    groups = max((int(rate.judged.sum()) for rate in rates.values()), default=0)
    if groups > MANY:
        tests = groups * (groups - 1) / 2 * (len(rates) + len(ratios))
        return NormalDist().inv_cdf(1 - (1 - confidence) / tests / 2)
    largest = np.zeros(len(drawn))
    for name, rate in rates.items():
        for log in (False, True) if name in ratios else (False,):
            largest = np.maximum(largest, _largest_deviation(cells, drawn, rate, log=log))
    one_pair = NormalDist().inv_cdf((1 + confidence) / 2)
    return max(float(np.quantile(largest, confidence)), one_pair)


def largest_difference(cells: Counts, rate: Rate, critical: float, confidence: float = 0.95) -> Gap:
    """Return the gap between the highest and the lowest rate of the judged groups; bounds in [0, 1]."""
    seen, lower, upper = bounds(cells, rate, critical)
    _, under, over = bounds(cells, rate, NormalDist().inv_cdf(confidence))
    least, most = 0.0, 0.0
    for at, others in pairs_of(len(seen)):  # Row: the higher.
        apart = seen[at, None] - seen
        below = apart - np.hypot((seen - lower)[at, None], upper - seen)
        above = apart + np.hypot((over - seen)[at, None], seen - under)
        least = max(least, float(below.max(initial=0.0, where=others)))
        most = max(most, float(above.max(initial=0.0, where=others)))
    low, high = _furthest(seen)
    return Gap(
        observed=float(seen[high] - seen[low]),
        lower=least,
        upper=min(most, 1.0),
        low=low,
        high=high,
    )


def smallest_ratio(cells: Counts, rate: Rate, critical: float, confidence: float = 0.95) -> Gap:
    """Return the lowest over the highest rate of the judged groups, NaN where all are 0; bounds in [0, 1]."""
    seen, lower, upper = bounds(cells, rate, NormalDist().inv_cdf(confidence))
    _, under, over = bounds(cells, rate, critical)
    least, most = 1.0, 1.0
    for at, others in pairs_of(len(seen)):  # Row: the numerator.
        product = np.outer(seen[at], seen)
        above, below = upper * (2 * seen - upper), (lower * (2 * seen - lower))[at, None]
        root = np.sqrt(np.maximum(product**2 - above * below, 0.0))
        ratio = _divided(np.broadcast_to(below, root.shape), product + root, 0.0)
        least = min(least, float(ratio.min(initial=1.0, where=others)))
        above, below = (over * (2 * seen - over))[at, None], under * (2 * seen - under)
        root = np.sqrt(np.maximum(product**2 - above * below, 0.0))
        ratio = _divided(product + root, np.broadcast_to(below, root.shape), np.inf)
        most = min(most, float(ratio.min(initial=1.0, where=others)))
    low, high = _furthest(seen)
    observed = float(seen[low] / seen[high]) if seen[high] else float("nan")
    return Gap(observed=observed, lower=max(least, 0.0), upper=most, low=low, high=high)


def pairs_of(groups: int) -> Iterator[tuple[NDArray[np.intp], Bools]]:
    """Yield some places at a time, and bool[places, groups]: every group but that one itself."""
    every = np.arange(groups)
    for at in np.array_split(every, max(groups * groups // CHUNK, 1)):
        yield at, at[:, None] != every


def _furthest(seen: Floats) -> tuple[int, int]:
    """Return the places of the lowest and of the highest, which are two where there are two."""
    return int(seen.argmin()), len(seen) - 1 - int(seen[::-1].argmax())


def _largest_deviation(cells: Counts, drawn: Counts, rate: Rate, *, log: bool) -> Floats:
    """Return float64[replicates]: over the pairs, how many standard errors the replicate is off at most."""
    hits, rows = (counts[rate.judged] for counts in rate.counts(cells))
    again, of = (counts[..., rate.judged] for counts in rate.counts(drawn))
    # One hit and one miss more, so that no rate is surely 0 or 1: Agresti & Caffo (2000).
    share = (hits + 1) / (rows + 2)
    variance = (1 - share) / share / rows if log else share * (1 - share) / rows
    if log:
        off = np.log((again + 0.5) / (of + 1)) - np.log((hits + 0.5) / (rows + 1))
    else:
        off = again / np.maximum(of, 1) - hits / rows
    largest = np.zeros(len(drawn))
    for at in range(1, len(rows)):
        errors = np.sqrt(variance[at] + variance[:at])
        apart = np.abs(off[:, at, None] - off[:, :at]) / errors
        np.maximum(largest, apart.max(1), out=largest)
    return largest


def bounds(cells: Counts, rate: Rate, z: float) -> tuple[Floats, Floats, Floats]:
    """Return rates of the judged groups and their bounds at `z` standard errors: Wilson's (1927).

    Of fewer than `FEW` rows they are exact ones of the same confidence.
    """
    hits, rows = (counts[rate.judged] for counts in rate.counts(cells))
    share = hits / rows
    middle = (share + z * z / (2 * rows)) / (1 + z * z / rows)
    reach = z * np.sqrt(share * (1 - share) / rows + (z / (2 * rows)) ** 2) / (1 + z * z / rows)
    lower, upper = np.maximum(middle - reach, 0.0), np.minimum(middle + reach, 1.0)
    least, most = exact(hits, rows, NormalDist().cdf(-z))
    few = rows < FEW
    lower, upper = np.where(few, least, lower), np.where(few, most, upper)
    return share, np.minimum(lower, share), np.maximum(upper, share)


def exact(hits: Counts, rows: Counts, tail: float) -> tuple[Floats, Floats]:
    """Return Clopper & Pearson's bounds, each wrong at most `tail` of the time; 0 and 1 of no rows."""
    misses = rows - hits
    lower = np.where(hits > 0, betaincinv(np.maximum(hits, 1), misses + 1, tail), 0.0)
    upper = np.where(misses > 0, betaincinv(hits + 1, np.maximum(misses, 1), 1 - tail), 1.0)
    return lower, upper


def _divided(top: Floats, bottom: Floats, otherwise: float) -> Floats:
    found = np.full(top.shape, otherwise)
    np.divide(top, bottom, out=found, where=bottom > 0)
    return found
