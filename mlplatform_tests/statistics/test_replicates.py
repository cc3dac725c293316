import math

import numpy as np
import pytest

from mlplatform.statistics.replicates import GROUPS, Groups, bounds, bounds_of_gaps, unbiased

RNG = np.random.default_rng(0)


def test_few_rows_widen_the_bounds_as_students_t_does():
    drawn = RNG.normal(0.5, 0.1, 50_000)
    lower, upper = bounds(0.5, drawn, 10_000, 0.95)
    assert (lower, upper) == pytest.approx((0.304, 0.696), abs=0.01)
    assert bounds(0.5, drawn, 5, 0.95)[0] == pytest.approx(
        0.5 - 2.776 * 0.1 * math.sqrt(5 / 4), abs=0.03
    )
    assert all(math.isnan(bound) for bound in bounds(0.5, drawn, 1, 0.95))


def test_what_was_observed_lies_within_its_bounds_and_undefined_replicates_bound_nothing():
    assert bounds(0.9, np.linspace(0, 0.5, 100), 1000, 0.95)[1] == 0.9
    mostly = np.where(np.arange(100) < 60, np.nan, 0.5)
    assert all(math.isnan(bound) for bound in bounds(0.5, mostly, 1000, 0.95))
    assert all(math.isnan(bound) for bound in bounds(math.nan, np.ones(100), 1000, 0.95))


def test_what_chance_adds_is_taken_away_twice():
    assert unbiased(1.0, np.array([1.2, 1.4, np.nan]))[:2] == pytest.approx([0.6, 0.8])


@pytest.mark.parametrize("rows", [700, 5 * GROUPS + 3])
def test_means_of_groups_spread_as_those_of_rows(rows):
    value = RNG.exponential(size=rows)
    drawn = Groups.of(rows).means(value)
    assert drawn.mean() == pytest.approx(value.mean(), abs=0.3 * value.std() / math.sqrt(rows))
    assert drawn.std() == pytest.approx(value.std() / math.sqrt(rows), rel=0.1)


def test_rows_in_order_of_their_value_spread_no_less():
    value = np.sort(RNG.exponential(size=20_000))
    wanted = value.std() / math.sqrt(20_000)
    assert Groups.of(20_000).means(value).std() == pytest.approx(wanted, rel=0.1)


def test_shares_by_code_make_one_and_carry_values():
    codes, value = np.arange(6000) % 3, np.ones(6000)
    groups = Groups.of(6000)
    assert groups.shares(codes, 3).sum(1) == pytest.approx(np.ones(1000))
    assert groups.shares(codes, 3, 2 * value).sum(1) == pytest.approx(np.full(1000, 2.0))


def test_a_model_without_any_gap_keeps_zero_within_its_bounds():
    """As often as they say: 5 % and Monte Carlo error of 300 tables."""
    missed = 0
    for _ in range(300):
        gap = RNG.normal(0, 0.01, 10)
        drawn = gap + RNG.normal(0, 0.01, (400, 10))
        missed += bounds_of_gaps(gap, drawn, 1000, 0.9)[0] > 0
    assert missed / 300 <= 0.05 + 2.6 * math.sqrt(0.05 * 0.95 / 300)


def test_bins_that_are_clearly_off_bound_the_error_away_from_zero():
    gap = np.array([0.05, -0.05, 0.0])
    lower, upper = bounds_of_gaps(gap, gap + RNG.normal(0, 0.005, (4000, 3)), 1000, 0.9)
    assert 0.08 < lower < 0.09
    assert 0.105 < upper < 0.12
    assert bounds_of_gaps(np.zeros(3), np.zeros((9, 3)), 20, 0.9)[1] == pytest.approx(
        0.139, abs=0.001
    )
