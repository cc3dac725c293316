import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom, binomtest

from mlplatform.statistics.proportion import exact, wilson


def test_an_interval_of_a_share_by_hand():
    """81 of 263: Newcombe (1998), Statistics in Medicine 17:857, table I."""
    assert wilson(81, 263) == pytest.approx((0.2553, 0.3662), abs=0.00005)
    assert exact(81, 263) == pytest.approx((0.2527, 0.3676), abs=0.00005)
    assert wilson(0, 10)[0] == pytest.approx(0)
    assert wilson(10, 10)[1] == pytest.approx(1)


@given(st.integers(1, 3000), st.floats(0, 1), st.sampled_from([0.9, 0.95, 0.99]))
def test_exact_bounds_are_those_of_scipy(rows, share, confidence):
    hits = round(share * rows)
    wanted = binomtest(hits, rows).proportion_ci(confidence)
    assert exact(hits, rows, confidence) == pytest.approx((wanted.low, wanted.high), abs=1e-9)


@pytest.mark.parametrize("rows", [5, 40])
def test_exact_bounds_are_wrong_no_more_often_than_they_say_whatever_the_share(rows):
    lower, upper = np.array([exact(hits, rows, 0.9) for hits in range(rows + 1)]).T
    for share in np.linspace(0.01, 0.99, 50):
        chance = binom.pmf(np.arange(rows + 1), rows, share)
        assert chance[lower > share].sum() <= 0.05
        assert chance[upper < share].sum() <= 0.05


def test_no_rows_bound_nothing_and_more_hits_than_rows_are_an_error():
    assert all(math.isnan(bound) for bound in exact(0, 0))
    assert exact(0, 3)[0] == 0
    assert exact(3, 3)[1] == 1
    with pytest.raises(ValueError, match="4 hits in 3 rows are no share"):
        exact(4, 3)
