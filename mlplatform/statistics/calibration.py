"""How far probabilities, quantiles and means are from what they promise, and how sure that is. Pure.

The binned calibration error is a sum of absolute values, so noise adds to it: a model that is perfectly
calibrated shows some, the more the fewer rows (Kumar, Liang & Ma 2019, NeurIPS, arXiv:1909.10155). Its
bounds here are not fooled by that. The error cannot be overstated by more than the noise of all bins
together, sum of |noise|, whose quantile is the lower bound's reach. And the bins' gaps, each with the sign
of its true gap, add up to at most the error seen, and truly to the true error: one normal sum, whose
quantile is the upper bound's reach.

Neither sum is normal where few rows are wrong, as of answers that are nearly 0 or 1: so bounds are at least as
wide as those of `mean_bounds`, which are the exact binomial ones of answers that are 0 and 1.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit  # type: ignore[import-untyped] # SciPy ships no types.

from mlplatform.statistics import mean_bounds
from mlplatform.statistics.compared import ONE_SIDED, Interval
from mlplatform.statistics.proportion import exact

BINS = 10  # Equal widths: Naeini, Cooper & Hauskrecht (2015), AAAI.
DRAWS = 20_000  # Of the bins' noise; the 95 % quantile then moves by less than 1 %.
METHOD = "bootstrap"
HALF = 0.5
LEAST = 1e-6  # Share: what is never said, or never seen, has a factor all the same.

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True)
class Bin:
    """Rows that one promise is of: its mean, what was seen of it, and how many."""

    promised: float
    seen: float
    rows: int


def binned(truth: Bools, score: Floats) -> tuple[Interval, Bin]:
    """Return the expected calibration error of probabilities with its bounds, and the bin that adds most.

    Args:
        truth: bool[rows], at least one: whether it happened.
        score: float64[rows] in [0, 1]: how likely it was said to be.
    """
    place = np.minimum((score * BINS).astype(np.int64), BINS - 1)
    rows = np.bincount(place, minlength=BINS)
    there = rows > 0
    rows, of = rows[there], np.cumsum(there)[place] - 1
    said, happened, spread = (
        np.bincount(of, weights=each) for each in (score, truth, score * (1 - score))
    )
    gap = (said - happened) / len(score)
    squares = np.bincount(of, weights=(score - truth) ** 2) - (said - happened) ** 2 / rows
    # As large as seen, or as it would be were the probabilities true: a bin of one row shows none.
    deviation = np.sqrt(np.maximum(squares, spread)) / len(score)
    observed = float(np.abs(gap).sum())
    noise = np.abs(np.random.default_rng(0).standard_normal((DRAWS, len(rows)))) @ deviation
    reach = NormalDist().inv_cdf(ONE_SIDED) * float(np.hypot.reduce(deviation))
    lower, upper = mean_bounds.bounds(
        _added(truth, score, of), 0.0, float(np.maximum(score, 1 - score).max()), ONE_SIDED
    )
    at = int(np.abs(gap).argmax())
    error = Interval(
        rows=len(score),
        observed=observed,
        lower=max(min(observed - float(np.quantile(noise, ONE_SIDED)), lower), 0.0),
        upper=min(max(observed + reach, upper), 1.0),
        method="exact" if np.isin(score, (0, 1)).all() else METHOD,
    )
    worst = Bin(promised=said[at] / rows[at], seen=happened[at] / rows[at], rows=int(rows[at]))
    return error, worst


def _added(truth: Bools, score: Floats, bin_of: NDArray[np.int64]) -> Floats:
    """Return what each row adds to the error, f64[rows], whose mean it is.

    A bin's rows vary about its gap to where a row can be further off: what is said to be unlikely happens.
    """
    rows = np.bincount(bin_of)
    off = np.bincount(bin_of, weights=score - truth) / rows
    toward = np.where(np.bincount(bin_of, weights=score) / rows < HALF, -1.0, 1.0)
    return np.asarray(np.abs(off)[bin_of] + toward[bin_of] * (score - truth - off[bin_of]))


def in_the_large(truth: Bools, score: Floats) -> tuple[Interval, Bin]:
    """Return by what factor the rarer class is said too often or too seldom, at least 1, and both shares.

    Bounds are the exact ones of the rows that are seen to be of it (Clopper & Pearson 1934).

    Args:
        truth: bool[rows], of both classes.
        score: float64[rows] in [0, 1].
    """
    rows, seen, said = len(truth), int(truth.sum()), float(score.mean())
    if seen > rows / 2:
        seen, said = rows - seen, 1 - said
    said = max(said, LEAST)

    def furthest(share: float) -> float:
        return max(said / max(share, LEAST), share / said)

    surely, alone = exact(seen, rows, ONE_SIDED), exact(seen, rows, 2 * ONE_SIDED - 1)
    factor = Interval(
        rows=rows,
        observed=furthest(seen / rows),
        lower=furthest(min(max(said, surely[0]), surely[1])),
        upper=max(furthest(share) for share in alone),
        method="exact",
    )
    return factor, Bin(promised=said, seen=seen / rows, rows=rows)


def coverage(truth: Floats, said: Floats, shares: Sequence[float]) -> tuple[Interval, Bin]:
    """Return the largest gap of `gaps`, with bounds that hold for all of them, and that quantile."""
    found = gaps(truth, said, shares)
    largest, worst = max(found, key=lambda each: each[0].observed)
    return Interval(
        rows=largest.rows,
        observed=largest.observed,
        lower=max(each.lower for each, _ in found),
        upper=max(each.upper for each, _ in found),
        method=largest.method,
    ), worst


def gaps(truth: Floats, said: Floats, shares: Sequence[float]) -> list[tuple[Interval, Bin]]:
    """Return of each quantile the gap between its share and that of labels below it, with both shares.

    A quantile holds its share where at most that share of labels is below it and at least that share
    is not above it; of labels that repeat, both may be far apart, and it is right between them.
    Bounds are exact (Clopper & Pearson 1934).

    Args:
        truth: float64[rows], at least one.
        said: float64[rows, quantiles].
        shares: float[quantiles].
    """
    rows = len(truth)
    found = []
    for at, share in enumerate(shares):
        below = int(np.count_nonzero(truth < said[:, at]))
        within = int(np.count_nonzero(truth <= said[:, at]))
        gap = max(below / rows - share, share - within / rows, 0.0)
        # To fail, any quantile and either side will do, so all of them share the error; to pass, all must.
        surely = 1 - (1 - ONE_SIDED) / len(shares)
        lower = max(exact(below, rows, surely)[0] - share, share - exact(within, rows, surely)[1])
        alone = 2 * ONE_SIDED - 1
        upper = max(exact(below, rows, alone)[1] - share, share - exact(within, rows, alone)[0])
        near = below if below / rows > share else within
        error = Interval(
            rows=rows, observed=gap, lower=max(lower, 0.0), upper=upper, method="exact"
        )
        found.append((error, Bin(promised=share, seen=near / rows, rows=rows)))
    return found


def bias(truth: Floats, said: Floats) -> tuple[Interval, float]:
    """Return the mean error as a share of the label's deviation, without its sign, and with it.

    Bounds by Student's t; NaN, and none, where the label does not vary.
    """
    rows, deviation = len(truth), float(np.std(truth))
    off = said - truth
    if not deviation or rows <= 1:
        nothing = float("nan")
        of = Interval(rows=rows, observed=nothing, lower=nothing, upper=nothing, method="none")
        return of, nothing
    mean = float(np.mean(off)) / deviation
    error = float(np.std(off, ddof=1)) / rows**0.5 / deviation
    both, one = (float(stdtrit(rows - 1, p)) for p in ((1 + ONE_SIDED) / 2, ONE_SIDED))
    found = Interval(
        rows=rows,
        observed=abs(mean),
        lower=max(abs(mean) - both * error, 0.0),
        upper=abs(mean) + one * error,
        method="normal",
    )
    return found, mean
