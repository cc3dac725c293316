"""Bounds of a difference by hand, and what they promise about more rows."""

import math
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlplatform.statistics.bounds import Spread, bounds, power_if_equal, rows_needed

Z = NormalDist().inv_cdf(0.95)


def spread(observed=0.0, variance=0.0001, reach=1e-9, rows=1_000):
    return Spread(rows=rows, observed=observed, variance=variance, reach=reach)


spreads = st.builds(
    spread,
    observed=st.floats(-0.5, 0.5),
    variance=st.floats(0, 0.1),
    reach=st.floats(1e-6, 0.1),
    rows=st.integers(2, 10_000),
)


def test_with_many_rows_the_bounds_are_the_normal_ones():
    assert bounds(spread(0.02), 0.95) == pytest.approx((0.02 - Z * 0.01, 0.02 + Z * 0.01))


def test_one_row_more_than_was_seen_is_allowed_for():
    lower, _ = bounds(spread(variance=0.0021, reach=0.02), 0.95)
    assert lower == pytest.approx(-Z * 0.05)  # The root of 0.0021 + 0.02².


def test_models_that_never_disagree_are_bounded_as_tangos_score_bounds_them():
    """By hand: a difference d of which each row makes 1/n has variance d/n, so d = z²/n."""
    lower, upper = bounds(spread(variance=0.0, reach=1 / 1_000), 0.95)
    assert lower == pytest.approx(-(Z**2) / 1_000)
    assert upper == -lower


@given(spreads, st.floats(0.6, 0.999))
def test_bounds_hold_the_difference_and_mirror_when_the_models_are_swapped(seen, confidence):
    lower, upper = bounds(seen, confidence)
    assert lower < seen.observed < upper
    swapped = spread(-seen.observed, seen.variance, seen.reach, seen.rows)
    assert bounds(swapped, confidence) == (-upper, -lower)


@given(spreads)
def test_surer_bounds_are_wider_and_more_rows_narrow_them(seen):
    lower, upper = bounds(seen, 0.95)
    surer, other = bounds(seen, 0.99)
    assert surer < lower
    assert other > upper
    assert bounds(seen.of(4), 0.95)[0] > lower


@given(spreads)
def test_each_bound_is_the_difference_it_just_does_not_refute(seen):
    lower, _ = bounds(seen, 0.95)
    assert seen.observed - lower == pytest.approx(Z * seen.error(lower), rel=1e-3, abs=1e-9)


def test_power_by_hand():
    """Deviation 0.01, margin 0.02: an equal model is to be seen above -0.02 + 1.645 * 0.01."""
    expected = NormalDist(0, 0.01).cdf(0.02 - Z * 0.01)
    assert power_if_equal(spread(0.3), 0.02, 0.95) == pytest.approx(expected, abs=1e-6)
    assert power_if_equal(spread(0.3), 0.0, 0.95) == pytest.approx(0.05, abs=1e-6)


@pytest.mark.parametrize("observed", [0.0, -0.05, 0.02])
def test_the_rows_needed_by_hand(observed):
    """Of 1,000 rows with deviation 0.01: (z + z_power) * deviation / distance, squared."""
    times = ((Z + NormalDist().inv_cdf(0.8)) * 0.01 / abs(observed + 0.01)) ** 2
    seen = rows_needed(spread(observed), 0.01, 0.95)
    assert seen == pytest.approx(max(1_000 * times, 1_001), rel=1e-3)


def test_that_many_rows_decide_four_times_in_five():
    needed = rows_needed(spread(0.0, rows=100), 0.01, 0.95)
    then = math.sqrt(0.0001 * 100 / needed)
    drawn = np.random.default_rng(0).normal(0, then, 20_000)
    assert np.mean(drawn - Z * then >= -0.01) == pytest.approx(0.8, abs=0.01)


def test_no_number_of_rows_decides_a_difference_that_is_the_margin():
    assert rows_needed(spread(-0.01), 0.01, 0.95) is None
