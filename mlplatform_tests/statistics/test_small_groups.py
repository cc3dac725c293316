import numpy as np
import pytest

from mlplatform.statistics.group_gaps import Rate
from mlplatform.statistics.small_groups import shown_difference, shown_ratio

EVERY, HIT = np.ones(2, dtype=bool), np.array([False, True])


def cells(*pairs):
    """int[groups, 2]: misses and hits, of pairs of hits and rows; the first two groups are judged."""
    return np.array([(rows - hits, hits) for hits, rows in pairs])


def rate(groups):
    return Rate(HIT, EVERY, np.arange(groups) < 2)


def test_a_group_of_49_misses_is_shown_to_be_apart_whatever_else_there_is():
    found = cells((900, 1000), (880, 1000), (0, 49), (0, 0), (9, 10))
    shown = shown_difference(found, rate(5), 0.05)
    assert (shown.high, shown.low) == (0, 2)
    assert 0.7 < shown.bound < shown.observed == pytest.approx(0.9)
    ratio = shown_ratio(found, rate(5), 0.05)
    assert (ratio.high, ratio.low) == (0, 2)
    assert 0 == ratio.observed < ratio.bound < 0.2


def test_a_small_group_may_be_the_better_one():
    shown = shown_difference(cells((100, 1000), (90, 1000), (40, 40)), rate(3), 0.05)
    assert (shown.high, shown.low) == (2, 1)
    assert shown.bound > 0.6


def test_few_rows_show_little():
    assert shown_difference(cells((900, 1000), (880, 1000), (1, 2)), rate(3), 0.05).bound < 0
    assert shown_ratio(cells((900, 1000), (880, 1000), (1, 2)), rate(3), 0.05).bound >= 1


def test_two_small_groups_are_not_held_against_each_other():
    shown = shown_difference(cells((500, 1000), (500, 1000), (0, 20), (20, 20)), rate(4), 0.05)
    assert shown.bound < 0.5


def test_the_bound_falls_with_the_number_of_groups():
    few, many = (
        shown_difference(
            cells((900, 1000), (900, 1000), (0, 20), *[(9, 10)] * n), rate(3 + n), 0.05
        )
        for n in (0, 200)
    )
    assert many.bound < few.bound


def test_among_hundreds_of_small_equal_groups_none_is_shown_to_be_apart():
    rng, wrong, trials, groups = np.random.default_rng(2), 0, 200, 150
    rows = np.array([2000, 2000, *rng.integers(1, 20, groups - 2)])
    for _ in range(trials):
        hits = rng.binomial(rows, 0.8)
        wrong += shown_difference(np.stack([rows - hits, hits], 1), rate(groups), 0.05).bound > 0
    assert wrong <= 0.05 * trials
