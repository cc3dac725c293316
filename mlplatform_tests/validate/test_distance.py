import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from mlplatform.validate.distance import (
    BinMismatchError,
    EmptyWindowError,
    excess_psi,
    expected_psi,
    jensen_shannon,
    ks,
    l_infinity,
    psi,
)

DISTANCES = [psi, expected_psi, excess_psi, jensen_shannon, l_infinity, ks]
counted = st.lists(st.integers(0, 10_000), min_size=5, max_size=5).filter(any)


@given(counted, counted)
def test_a_divergence_is_zero_on_equal_counts_never_negative_and_the_same_both_ways(a, b):
    for distance in (psi, jensen_shannon, l_infinity):
        assert distance(a, a) == pytest.approx(0, abs=1e-12)
        assert distance(a, b) >= 0
        assert distance(a, b) == pytest.approx(distance(b, a))


@given(counted, st.integers(1, 50))
def test_a_distance_is_about_shares_and_not_rows(a, times):
    more = [times * count for count in a]
    for distance in (psi, jensen_shannon, l_infinity, lambda r, c: ks(r, c)[0]):
        assert distance(a, more) == pytest.approx(0, abs=1e-7)


@given(counted, counted)
def test_what_chance_explains_is_taken_off_and_never_more(a, b):
    assert 0 <= excess_psi(a, b) <= psi(a, b)


def test_psi_by_hand():
    """Shares (1/2, 1/2) and (1/4, 3/4): ¼·ln 2 + ¼·ln 1.5 = 0.2747."""
    by_hand = 0.25 * math.log(2) + 0.25 * math.log(1.5)
    assert psi([50, 50], [25, 75]) == pytest.approx(by_hand)


def test_an_emptied_bin_is_finite():
    gone = psi([50, 50], [100, 0])
    assert gone == pytest.approx(0.5 * math.log(2) + 0.4999 * math.log(5000))


def test_the_expectation_counts_only_bins_that_hold_rows():
    """3 bins hold rows: 2 · (1/100 + 1/400) = 0.025."""
    assert expected_psi([50, 50, 0, 0], [200, 100, 100, 0]) == pytest.approx(0.025)


@pytest.mark.parametrize("rows", [200, 1000])
def test_without_drift_the_expectation_is_what_psi_shows_on_average(rows):
    """10 bins of equal share. At 100 rows a side PSI shows 0.19 for an expected 0.18."""
    pairs = np.random.default_rng(11).multinomial(rows, [0.1] * 10, size=(400, 2))
    shown = np.mean([psi(*pair) for pair in pairs])
    assert shown == pytest.approx(9 * 2 / rows, rel=0.15)
    assert np.mean([excess_psi(*pair) > 0.2 for pair in pairs]) <= 0.01


def test_small_windows_without_drift_do_not_alarm_as_plain_psi_does():
    """100 rows a side: PSI > 0.2 in more than a third of windows, its excess in one of twenty."""
    pairs = np.random.default_rng(5).multinomial(100, [0.1] * 10, size=(500, 2))
    assert np.mean([psi(*pair) > 0.2 for pair in pairs]) > 0.3
    assert np.mean([excess_psi(*pair) > 0.2 for pair in pairs]) < 0.08


@given(
    st.lists(st.integers(0, 20), min_size=4, max_size=80),
    st.lists(st.integers(0, 20), min_size=4, max_size=80),
)
def test_kolmogorov_smirnov_on_bins_of_one_value_is_scipys(a, b):
    d, p = ks(np.bincount(a, minlength=21), np.bincount(b, minlength=21))
    theirs = stats.ks_2samp(a, b, method="asymp")
    assert d == pytest.approx(theirs.statistic, abs=1e-12)
    assert p <= 1


@pytest.mark.parametrize("shift", [0.0, 0.05, 0.1])
def test_the_p_of_kolmogorov_smirnov_is_scipys_for_large_samples(shift):
    rng = np.random.default_rng(3)
    a, b = rng.normal(size=4_000), rng.normal(shift, size=3_000)
    edges = np.unique([*a, *b, np.inf])
    d, p = ks(np.histogram(a, edges)[0], np.histogram(b, edges)[0])
    theirs = stats.ks_2samp(a, b, method="asymp")
    assert d == pytest.approx(theirs.statistic)
    assert p == pytest.approx(theirs.pvalue, rel=0.15, abs=1e-9)


def test_jensen_shannon_is_scipys_squared_to_base_two():
    a, b = [10, 20, 70, 0], [30, 30, 0, 40]
    assert jensen_shannon(a, b) == pytest.approx(stats_js(a, b))
    assert jensen_shannon([1, 0], [0, 1]) == 1


def stats_js(a, b):
    from scipy.spatial.distance import jensenshannon

    return jensenshannon(a, b, base=2) ** 2


def test_l_infinity_is_the_share_that_moved_most():
    assert l_infinity([5, 5, 0], [2, 5, 3]) == pytest.approx(0.3)


@pytest.mark.parametrize("distance", DISTANCES)
def test_counts_of_other_bins_are_an_error(distance):
    with pytest.raises(BinMismatchError, match="a distance needs equal bins"):
        distance([1, 1, 1], [1, 1])


@pytest.mark.parametrize("distance", DISTANCES)
def test_a_window_without_rows_is_an_error_and_not_a_calm_day(distance):
    with pytest.raises(EmptyWindowError, match="drift cannot be measured"):
        distance([1, 1], [0, 0])
