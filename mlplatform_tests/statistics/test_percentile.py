"""Percentiles with bounds: by hand where a hand suffices, and held to their level where truth is known."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from mlplatform.statistics.percentile import (
    MIN_BLOCKS,
    noise_floor,
    percentile,
    percentile_of_blocks,
    percentile_ratios,
)

WORLDS = 300  # Monte Carlo error of a level of 95 %: 1.3 %.
P99 = 2.3263  # Standard deviations above the middle.

times = arrays(
    np.float64, st.tuples(st.integers(10, 20), st.integers(1, 8)), elements=st.floats(0.1, 100)
)


def correlated(dice: np.random.Generator, blocks: int, each: int) -> np.ndarray:
    """Logarithms of times that are alike within a block, normal with deviation 1."""
    shared = dice.normal(size=(blocks, 1))
    return math.sqrt(0.6) * shared + math.sqrt(0.4) * dice.normal(size=(blocks, each))


def test_the_bounds_of_1000_times_are_the_order_statistics_of_the_books():
    """95 % one-sided bounds of p99 at n = 1000: the 984th and the 996th, by the binomial."""
    found = percentile(np.arange(1, 1001, dtype=np.float64), 99)
    assert (found.lower, found.observed, found.upper) == (985, 990, 996)


def test_too_few_times_do_not_bound_a_percentile():
    few = percentile(np.arange(1.0, 101.0), 99)
    assert (few.observed, few.upper) == (99.0, math.inf)
    none = percentile(np.empty(0), 99)
    assert math.isnan(none.observed)
    assert (none.lower, none.upper) == (-math.inf, math.inf)
    assert math.isnan(percentile(np.array([1.0, math.nan]), 50).observed)
    fewer_blocks = percentile_of_blocks(np.ones((MIN_BLOCKS - 1, 100)), 50)
    assert (fewer_blocks.lower, fewer_blocks.upper) == (-math.inf, math.inf)


@given(times, st.sampled_from([50, 90, 99]))
@settings(max_examples=50)
def test_a_percentile_is_a_time_that_was_seen_and_lies_between_its_bounds(blocks, percent):
    found, wider = percentile(blocks, percent), percentile_of_blocks(blocks, percent)
    assert found.observed in blocks
    assert found.observed == np.percentile(blocks, percent, method="inverted_cdf")
    assert wider.lower <= found.lower <= found.observed <= found.upper <= wider.upper


@given(times, st.floats(0.5, 2))
@settings(max_examples=5)
def test_a_ratio_is_of_the_two_percentiles_and_the_same_in_any_unit(blocks, scale):
    (ratio,) = percentile_ratios(blocks * scale, blocks, [50])
    assert ratio.observed == pytest.approx(scale)
    assert ratio.lower == pytest.approx(scale)  # Both were drawn alike: nothing is left to chance.
    assert ratio.upper == pytest.approx(scale)
    assert percentile_ratios(blocks, blocks[::-1], [50, 99]) == percentile_ratios(
        blocks, blocks[::-1], [50, 99]
    )


@pytest.mark.parametrize("percent", [50, 99])
def test_one_sided_bounds_of_independent_times_hold_in_95_of_100_worlds(percent):
    dice = np.random.default_rng(percent)
    truth = {50: 0.0, 99: P99}[percent]
    found = [percentile(dice.normal(size=1000), percent) for _ in range(WORLDS)]
    assert np.mean([each.lower <= truth for each in found]) >= 0.92
    assert np.mean([each.upper >= truth for each in found]) >= 0.92


def test_where_a_block_is_slow_as_a_whole_bounds_for_single_times_are_too_narrow_and_ours_are_not():
    dice, alone, ours = np.random.default_rng(3), [], []
    for _ in range(WORLDS):
        blocks = correlated(dice, 50, 20)
        for of, bounds in ((percentile, alone), (percentile_of_blocks, ours)):
            found = of(blocks, 99)
            bounds.append([found.lower <= P99, found.upper >= P99])
    assert np.mean(alone, axis=0).max() < 0.92
    assert np.mean(ours, axis=0).min() > 0.88


def test_the_ratio_of_equal_models_is_within_its_bounds_on_a_noisy_host():
    """What is slow is so for both in a block; and for one of them alone, which is the harder case."""
    dice, held = np.random.default_rng(4), []
    for world in range(60):
        mine, theirs = (np.exp(0.3 * correlated(dice, 40, 25)) for _ in "ab")
        if world % 2:
            shared = np.exp(dice.normal(size=(40, 1)))
            mine, theirs = mine * shared, theirs * shared
        found = percentile_ratios(mine, theirs, [50, 99])
        held.append([bound for each in found for bound in (each.lower <= 1, each.upper >= 1)])
    assert np.mean(held, axis=0).min() >= 0.86


def test_too_few_blocks_bound_no_ratio_and_blocks_must_match():
    (ratio,) = percentile_ratios(np.ones((9, 10)), np.ones((9, 10)), [50])
    assert (ratio.lower, ratio.upper) == (-math.inf, math.inf)
    with pytest.raises(ValueError, match="9 blocks against 10"):
        percentile_ratios(np.ones((9, 10)), np.ones((10, 10)), [50])


def test_the_noise_floor_is_the_slower_half_over_the_other():
    blocks = np.array([[1.0, 1.0], [1.25, 1.25], [1.0, 1.0], [1.25, 1.25]])
    assert noise_floor(blocks, [50, 99]) == pytest.approx([0.25, 0.25])
    assert noise_floor(blocks[[1, 0, 3, 2]], [50]) == pytest.approx([0.25])
    assert math.isnan(noise_floor(blocks[:1], [50])[0])
