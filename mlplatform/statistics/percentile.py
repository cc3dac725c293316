"""Percentiles of times, with bounds: of one model by order statistics, of two by resampling blocks.

The noise of a host is correlated: what disturbs one answer disturbs its neighbours, and both models when
they are asked in turn. So whole blocks of time count and are drawn, with what both models did in them;
answers taken for independent would give intervals that are too narrow.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats  # type: ignore[import-untyped] # SciPy ships no types.

from mlplatform.statistics.compared import ONE_SIDED

Times = NDArray[np.float64]

DRAWS = 1000  # Bootstrap samples: a 5 % quantile of them rests on 50.
SEED = 20_250_610  # Any constant: the same measurement gets the same bounds.
MIN_BLOCKS = 10  # Fewer say nothing about how blocks differ; bounds are then infinite.


@dataclass(frozen=True, kw_only=True)
class Bounded:
    """A number with one-sided bounds, each of the level asked for; infinite where nothing bounds it."""

    observed: float
    lower: float
    upper: float


def percentile(times: Times, percent: float, level: float = ONE_SIDED) -> Bounded:
    """Return a percentile of independent times, with bounds that hold for any distribution.

    `observed` is a time that was seen, as `numpy.percentile` with `method="inverted_cdf"` has it. Below the
    true percentile lie a binomial number of times, so two order statistics bound it (Hahn, Meeker & Escobar,
    Statistical Intervals, 2nd ed. 2017, section 5.2; David & Nagaraja, Order Statistics, 3rd ed. 2003,
    section 7.1).

    Args:
        times: f64 of any shape, in any order.
        percent: Between 0 and 100.
        level: Of each bound.
    """
    return _bounded(np.sort(times, axis=None), percent / 100, level, float(times.size))


def percentile_of_blocks(blocks: Times, percent: float, level: float = ONE_SIDED) -> Bounded:
    """Return a percentile of times that come in blocks, with bounds as `percentile`, or wider ones.

    Where slow answers come together, as many count as fewer independent ones would: the share above the
    percentile varies more between blocks than a binomial one, by the design effect (Kish, Survey Sampling,
    1965, section 8.2), and the order statistics are those of so many fewer (Woodruff, JASA 47, 1952).

    Args:
        blocks: f64[blocks, times], by time.
        percent: Between 0 and 100.
        level: Of each bound.
    """
    ordered, share = np.sort(blocks, axis=None), percent / 100
    if len(blocks) < MIN_BLOCKS or np.isnan(ordered[-1]):
        return _bounded(ordered, share, level, 0.0)
    above = (blocks > ordered[_rank(blocks.size, share) - 1]).mean(axis=1)
    effect = np.var(above, ddof=1) * blocks.shape[1] / (share * (1 - share))
    return _bounded(ordered, share, level, blocks.size / max(float(effect), 1.0))


def _bounded(ordered: Times, share: float, level: float, worth: float) -> Bounded:
    """Return the percentile of ordered times that are worth so many independent ones."""
    n, independent = len(ordered), int(worth)
    if n == 0 or np.isnan(ordered[-1]):
        return Bounded(observed=math.nan, lower=-math.inf, upper=math.inf)
    observed = float(ordered[_rank(n, share) - 1])
    if not independent:
        return Bounded(observed=observed, lower=-math.inf, upper=math.inf)
    # The rank-th smallest of them is above the percentile with chance P(Bin(independent, share) < rank).
    below = int(stats.binom.ppf(1 - level, independent, share))
    above = int(stats.binom.ppf(level, independent, share)) + 1
    low, high = below * n // independent, -(-above * n // independent)
    return Bounded(
        observed=observed,
        lower=float(ordered[low - 1]) if low >= 1 else -math.inf,
        upper=float(ordered[high - 1]) if high <= n else math.inf,
    )


def percentile_ratios(
    candidate: Times, champion: Times, percents: Sequence[float], level: float = ONE_SIDED
) -> list[Bounded]:
    """Return each percentile of the candidate's times over the champion's, with bounds.

    A block bootstrap (Künsch, Annals of Statistics 17, 1989, here with blocks side by side) that draws
    both models' times of a block together. Its percentile interval is expanded for few blocks as Hesterberg
    has it (What Teachers Should Know About the Bootstrap, American Statistician 69, 2015, section 4.3).

    Args:
        candidate: f64[blocks, times]: block by block, at the same time as the champion's.
        champion: f64[blocks, times].
        percents: Each between 0 and 100.
        level: Of each bound.

    Raises:
        ValueError: If they do not have the same blocks.
    """
    if len(candidate) != len(champion):
        raise ValueError(f"{len(candidate)} blocks against {len(champion)}; time both in each")
    if len(candidate) < MIN_BLOCKS:
        return [Bounded(observed=math.nan, lower=-math.inf, upper=math.inf) for _ in percents]
    drawn = _draws(len(candidate))
    mine, theirs = (_percentiles(each, percents, drawn) for each in (candidate, champion))
    seen, live = (_percentiles(each, percents, None)[:, 0] for each in (candidate, champion))
    low, high = np.quantile(mine / theirs, _tails(len(candidate), level), axis=1)
    return [
        Bounded(observed=float(ratio), lower=float(under), upper=float(over))
        for ratio, under, over in zip(seen / live, low, high, strict=True)
    ]


def noise_floor(blocks: Times, percents: Sequence[float]) -> list[float]:
    """Return how far from 1 each percentile's ratio is of every second block over the others: A/A.

    0.1: the slower half took 1.1 times as long. NaN of fewer than two blocks.
    """
    if len(blocks) < 2:
        return [math.nan for _ in percents]
    even, odd = (_percentiles(each, percents, None)[:, 0] for each in (blocks[::2], blocks[1::2]))
    return [float(ratio) for ratio in np.maximum(even / odd, odd / even) - 1]


def _rank(n: int, share: float) -> int:
    """Return which of n ordered times is the percentile, from 1."""
    return max(math.ceil(share * n), 1)


def _draws(blocks: int) -> NDArray[np.int32]:
    """Return how often each block is drawn, i32[draws, blocks]."""
    dice = np.random.default_rng(SEED)
    return dice.multinomial(blocks, np.full(blocks, 1 / blocks), size=DRAWS).astype(np.int32)


def _percentiles(
    blocks: Times, percents: Sequence[float], drawn: NDArray[np.int32] | None
) -> Times:
    """Return percentiles f64[percents, draws]: of the blocks so often drawn, or of each block once."""
    order = np.argsort(blocks, axis=None, kind="stable")
    ordered, block = blocks.ravel()[order], order // blocks.shape[1]
    ranks = [_rank(blocks.size, percent / 100) for percent in percents]
    if drawn is None:
        once: Times = ordered[np.array(ranks) - 1][:, np.newaxis]
        return once
    # How many of the times drawn are at most each ordered one; the first that reaches the rank is it.
    found = [np.searchsorted(np.cumsum(draw[block]), ranks) for draw in drawn]
    at: Times = ordered[np.array(found).T]
    return at


def _tails(blocks: int, level: float) -> tuple[float, float]:
    """Return which quantiles of the bootstrap are the bounds: further out than `level` for few blocks."""
    out = stats.t.ppf(level, blocks - 1) * math.sqrt(blocks / (blocks - 1))
    return float(stats.norm.cdf(-out)), float(stats.norm.cdf(out))
