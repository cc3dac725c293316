"""Tail probabilities against exact ones, and the laws they keep."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from mlplatform.gates.data import chance

rows = st.integers(50, 10**6)


@pytest.mark.parametrize(
    ("count", "rows", "rate"),
    [(22, 200, 0.05), (5, 500, 0.001), (60, 500, 0.08), (300, 500, 0.5), (12, 5_000, 0.0005)],
)
def test_the_chance_of_a_rise_is_near_the_binomial_one_also_for_rare_events(count, rows, rate):
    exact = stats.binom.sf(count - 1, rows, rate)
    found = chance.rise(count, rows, round(rate * 10**8), 10**8)
    assert exact / 3 < found < 3 * exact


@pytest.mark.parametrize(
    ("count", "rows", "rate"), [(0, 500, 0.005), (20, 500, 0.08), (1, 900, 0.01)]
)
def test_the_chance_of_a_fall_is_near_the_binomial_one_also_down_to_nothing(count, rows, rate):
    exact = stats.binom.cdf(count, rows, rate)
    found = chance.fall(count, rows, round(rate * 10**8), 10**8)
    assert exact / 3 < found < 3 * exact


@pytest.mark.parametrize("freedom", [1, 3, 9, 20, 100])
@pytest.mark.parametrize("tail", [0.5, 1e-2, 1e-4, 1e-6])
def test_the_chi_square_tail_is_near_the_exact_one(freedom, tail):
    found = chance.chi_square_tail(stats.chi2.isf(tail, freedom), freedom)
    assert found == pytest.approx(tail, rel=0.5)


@given(rows, rows, st.floats(0, 1), st.floats(0, 1), st.floats(0, 1))
def test_a_larger_share_is_never_more_likely_by_chance(n, m, base, first, second):
    low, high = sorted(round(share * n) for share in (first, second))
    before = round(base * m)
    assert chance.rise(high, n, before, m) <= chance.rise(low, n, before, m)
    assert chance.fall(high, n, before, m) >= chance.fall(low, n, before, m)


@given(rows, rows, st.floats(-0.999, 0.999), st.floats(-0.999, 0.999), st.floats(1, 100))
def test_a_change_of_correlation_is_as_likely_either_way(n, m, r, before, inflation):
    there = chance.correlation_change(r, n, before, m, inflation)
    assert there == pytest.approx(chance.correlation_change(before, m, r, n, inflation))
    assert there == pytest.approx(chance.correlation_change(-r, n, -before, m, inflation))
    assert chance.correlation_change(r, n, r, m) == 1


def test_fishers_z_is_the_textbooks():
    z = (math.atanh(0.6) - math.atanh(0.5)) / math.sqrt(1 / 97 + 1 / 197)
    expected = 2 * stats.norm.sf(z)
    assert chance.correlation_change(0.6, 100, 0.5, 200) == pytest.approx(expected)


def test_without_rows_everything_is_chance():
    assert chance.rise(0, 0, 0, 100) == 1
    assert chance.change(5, 100, 0, 0) == 1
    assert chance.psi_tail(9.0, 0.1, 0, 100) == 1
    assert chance.psi_tail(9.0, 0.0, 100, 100) == 1
    assert chance.share_apart(0.9, 0, 10) == 1
    assert chance.mean_moved(9, 10, 0) == 1
    assert chance.correlation_change(0.9, 3, 0.0, 100) == 1


@pytest.mark.parametrize(("n", "m"), [(500, 50_000), (100, 100)])
def test_psi_without_drift_passes_its_own_chance_as_often_as_it_says(n, m):
    import numpy as np

    from mlplatform.validate import distance

    dice, shares = np.random.default_rng(0), np.full(10, 0.1)
    tails = []
    for _ in range(2_000):
        before, now = dice.multinomial(m, shares), dice.multinomial(n, shares)
        expected = distance.expected_psi(before, now)
        tails.append(chance.psi_tail(distance.psi(before, now), expected, n, m))
    assert np.mean(np.array(tails) < 0.01) < 0.02
    assert np.mean(tails) == pytest.approx(0.5, abs=0.05)
