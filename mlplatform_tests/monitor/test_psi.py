import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlplatform.monitor.histogram import (
    BinMismatchError,
    CategoricalBins,
    EmptyWindowError,
    Histogram,
    NumericBins,
)
from mlplatform.monitor.psi import excess_psi, expected_without_drift, psi

BINS = NumericBins(edges=(1.0, 2.0, 3.0))


def histogram(*counts):
    return Histogram(bins=BINS, counts=counts)


histograms = (
    st.tuples(*[st.integers(0, 10_000)] * 5).filter(any).map(lambda counts: histogram(*counts))
)


@given(histograms, histograms)
def test_psi_is_a_symmetric_divergence(a, b):
    """PSI is zero on equal histograms, never negative, and the same both ways round."""
    assert psi(a, a) == 0
    assert psi(a, b) >= 0
    assert psi(a, b) == pytest.approx(psi(b, a))


@given(histograms, st.integers(1, 50))
def test_psi_is_about_shares_and_not_rows(a, times):
    assert psi(a, histogram(*(times * count for count in a.counts))) == pytest.approx(0)


@given(histograms, histograms)
def test_what_chance_explains_is_taken_off_and_never_more(a, b):
    assert 0 <= excess_psi(a, b) <= psi(a, b)


def test_psi_by_hand():
    """Shares (1/2, 1/2) and (1/4, 3/4): ¼·ln 2 + ¼·ln 1.5 = 0.2747."""
    by_hand = 0.25 * math.log(2) + 0.25 * math.log(1.5)
    assert psi(histogram(50, 50, 0, 0, 0), histogram(25, 75, 0, 0, 0)) == pytest.approx(by_hand)


def test_an_emptied_bin_is_finite():
    gone = psi(histogram(50, 50, 0, 0, 0), histogram(100, 0, 0, 0, 0))
    assert gone == pytest.approx(0.5 * math.log(2) + 0.4999 * math.log(5000))


def test_the_expectation_counts_only_bins_that_hold_rows():
    """3 bins hold rows: 2 · (1/100 + 1/400) = 0.025."""
    a, b = histogram(50, 50, 0, 0, 0), histogram(200, 100, 100, 0, 0)
    assert expected_without_drift(a, b) == pytest.approx(0.025)


@pytest.mark.parametrize("rows", [200, 1000])
def test_without_drift_the_expectation_is_what_psi_shows_on_average(rows):
    """10 bins of equal share. At 100 rows a side PSI shows 0.19 for an expected 0.18."""
    bins = CategoricalBins(values=tuple("abcdefgh"))
    rng = np.random.default_rng(11)
    drawn = rng.multinomial(rows, [0.1] * 10, size=(400, 2))
    pairs = [[Histogram(bins=bins, counts=tuple(c.tolist())) for c in pair] for pair in drawn]
    shown = np.mean([psi(a, b) for a, b in pairs])
    assert shown == pytest.approx(9 * 2 / rows, rel=0.15)
    assert np.mean([excess_psi(a, b) > 0.2 for a, b in pairs]) <= 0.01


def test_small_windows_without_drift_do_not_alarm_as_plain_psi_does():
    """100 rows a side: PSI > 0.2 in more than a third of windows, its excess in one of twenty."""
    bins = CategoricalBins(values=tuple("abcdefgh"))
    drawn = np.random.default_rng(5).multinomial(100, [0.1] * 10, size=(500, 2))
    pairs = [[Histogram(bins=bins, counts=tuple(c.tolist())) for c in pair] for pair in drawn]
    assert np.mean([psi(a, b) > 0.2 for a, b in pairs]) > 0.3
    assert np.mean([excess_psi(a, b) > 0.2 for a, b in pairs]) < 0.08


def test_histograms_cut_at_other_edges_are_an_error():
    other = Histogram(bins=NumericBins(edges=(1.0, 2.0, 4.0)), counts=(1, 1, 1, 1, 1))
    with pytest.raises(BinMismatchError, match="psi needs equal bins"):
        psi(histogram(1, 1, 1, 1, 1), other)


@pytest.mark.parametrize("measure", [psi, expected_without_drift, excess_psi])
def test_a_window_without_rows_is_an_error_and_not_a_calm_day(measure):
    with pytest.raises(EmptyWindowError, match="drift cannot be measured"):
        measure(histogram(1, 1, 1, 1, 1), histogram(0, 0, 0, 0, 0))
