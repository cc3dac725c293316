"""Bounds of means: exact where that is known, and seldom wrong where rare rows decide."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlplatform.statistics.mean_bounds import bounds, rows_needed
from mlplatform.statistics.proportion import exact

LEVEL = 0.95
TRIALS = 200


@given(st.integers(1, 300), st.data())
def test_of_hits_and_misses_they_are_the_exact_ones(rows, data):
    hits = data.draw(st.integers(0, rows))
    values = (np.arange(rows) < hits).astype(float)
    wanted = exact(hits, rows, 2 * LEVEL - 1)
    assert bounds(values, 0.0, 1.0, LEVEL) == pytest.approx(wanted, abs=0.003)


def test_they_are_quantiles_of_weighted_means_with_a_row_at_the_end():
    dice = np.random.default_rng(0)
    values = dice.exponential(size=40)
    weights = dice.exponential(size=(40_000, 41))
    for end, share, at in ((0.0, 0.05, 0), (9.0, 0.95, 1)):
        drawn = weights @ np.append(values, end) / weights.sum(1)
        wanted = pytest.approx(np.quantile(drawn, share), rel=0.01)
        assert bounds(values, 0.0, 9.0, LEVEL)[at] == wanted


def test_very_many_rows_are_grouped_without_moving_a_bound():
    values = np.random.default_rng(1).exponential(size=200_000)
    error = 1.645 * values.std() / len(values) ** 0.5
    lower, upper = bounds(values, 0.0, 30.0, LEVEL)
    assert values.mean() - lower == pytest.approx(error, rel=0.03)
    assert upper - values.mean() == pytest.approx(error, rel=0.08)


@pytest.mark.parametrize("rows", [30, 60, 100, 1000])
def test_a_mean_made_by_rare_blunders_is_seldom_bounded_too_low(rows):
    """3 % of rows cost 9, the others 0.01: of 30 rows, 40 in a hundred tables show no blunder."""
    dice, wrong = np.random.default_rng(2), 0
    for _ in range(TRIALS):
        values = np.where(dice.random(rows) < 0.03, 9.0, 0.01)
        wrong += bounds(values, 0.0, 9.0, LEVEL)[1] < 0.2797
    assert wrong / TRIALS <= 0.081


def test_the_rows_named_decide_four_times_in_five():
    dice = np.random.default_rng(3)
    values = dice.exponential(size=200)
    for limit in (1.1, 0.9):
        at = limit * values.mean()
        needed = rows_needed(values, 0.0, 8.0, at, LEVEL)
        decided = 0
        for _ in range(TRIALS // 2):
            lower, upper = bounds(dice.choice(values, needed), 0.0, 8.0, LEVEL)
            decided += upper <= at or lower > at
        assert 0.65 <= decided / (TRIALS // 2) <= 0.95
    assert rows_needed(values, 0.0, 8.0, float(values.mean()), LEVEL) is None
