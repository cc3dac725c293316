"""Bounds of a share by hand and by simulation, and what sizes of samples decide."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlplatform.statistics.share_limit import decided, one_sided, rows_needed


def test_no_hit_bounds_the_share_as_the_rule_of_three_says():
    """0 of n: the upper bound is 1 - 0.05 ** (1 / n), about 3 / n."""
    assert one_sided(0, 100) == (0.0, pytest.approx(1 - 0.05**0.01))
    assert one_sided(100, 100) == (pytest.approx(0.05**0.01), 1.0)


def test_no_rows_bound_nothing():
    assert all(math.isnan(bound) for bound in one_sided(0, 0))


def test_the_largest_of_several_shares_has_a_lower_bound_that_holds_for_all():
    alone, picked = one_sided(30, 200), one_sided(30, 200, at_once=10)
    assert picked[0] < alone[0]
    assert picked[1] == alone[1]


@given(rows=st.integers(1, 400), share=st.floats(0.01, 0.99), limit=st.floats(0.01, 0.99))
def test_how_often_rows_decide_is_what_counting_every_outcome_says(rows, share, limit):
    from scipy.stats import binom

    hits = np.arange(rows + 1)
    bounds = [one_sided(int(k), rows) for k in hits]
    if share <= limit:
        shown = np.array([upper <= limit for _, upper in bounds])
    else:
        shown = np.array([lower > limit for lower, _ in bounds])
    expected = float(binom.pmf(hits, rows, share)[shown].sum())
    assert decided(rows, share, limit) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(("share", "limit"), [(0.0, 0.1), (0.05, 0.1), (0.15, 0.1), (0.3, 0.2)])
def test_the_rows_needed_decide_four_times_in_five_and_half_of_them_do_not(share, limit):
    rows = rows_needed(share, limit)
    assert rows is not None
    assert decided(rows, share, limit) >= 0.8
    assert decided(rows // 2, share, limit) < 0.8


def test_a_share_at_the_limit_is_never_decided():
    assert rows_needed(0.1, 0.1) is None
    assert rows_needed(0.0, 0.0) is None
