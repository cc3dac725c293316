"""Sums are exact, and rounded once."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from mlplatform.features.aggregates.exact import limbs, rounded

WHOLE = st.lists(st.integers(-(2**62) + 1, 2**62 - 1), min_size=1, max_size=20)
FLOATS = st.floats(-(2.0**62), 2.0**62, exclude_min=True, exclude_max=True)


@given(WHOLE)
def test_a_sum_of_whole_numbers_is_the_nearest_float(values):
    summed = limbs(np.array(values, np.int64)).sum(axis=1, keepdims=True)
    assert rounded(summed)[0] == float(sum(values))


@given(st.lists(FLOATS, min_size=1, max_size=20))
def test_a_sum_of_floats_is_exact_to_the_last_place_and_rounded_once(values):
    summed = limbs(np.array(values)).sum(axis=1, keepdims=True)
    exact = sum(round(value * 2**40) for value in values)
    assert rounded(summed)[0] == exact / 2**40


@given(st.integers(-(2**130), 2**130))
def test_every_sum_is_rounded_to_the_nearest_float_ties_to_even(total):
    """Whatever the limbs that say it, and next to ties."""
    lost = max(abs(total).bit_length() - 53, 1)  # Bits that do not fit.
    tie = (total >> lost << lost) + (1 << lost - 1)
    for near in (total, tie - 1, tie, tie + 1):
        parts = [near >> 68, (near >> 34) & (2**34 - 1), near & (2**34 - 1)]
        odd = [parts[0] + 1, parts[1] - 2**34 - 1, parts[2] + 2**34]
        found = rounded(np.array([parts, odd], np.int64).T)
        assert found.tolist() == [near / 2**40] * 2


def test_nothing_adds_up_to_a_zero_without_sign():
    zero = rounded(limbs(np.array([-0.0, 1.0, -1.0])).cumsum(axis=1))
    assert zero.tolist() == [0.0, 1.0, 0.0]
    assert not np.signbit(zero).any()
