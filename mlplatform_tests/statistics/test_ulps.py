import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlplatform.statistics.ulps import ulps

FLOATS = st.floats(width=32, allow_nan=False, allow_infinity=False)


def f32(*values):
    return np.array(values, np.float32)


@given(FLOATS, st.integers(0, 40))
def test_a_float_is_as_many_ulps_away_as_steps_to_the_next_were_taken(start, steps):
    value = np.float32(start)
    for _ in range(steps):
        value = np.nextafter(value, np.float32(np.inf))
    if np.isfinite(value):
        assert ulps(f32(start), f32(value)).tolist() == [steps]


@given(FLOATS, FLOATS)
def test_ulps_are_the_same_both_ways_and_none_only_between_equal_numbers(one, other):
    there, back = ulps(f32(one), f32(other)), ulps(f32(other), f32(one))
    assert there == back
    assert (there[0] == 0) == (np.float32(one) == np.float32(other))


@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64])
def test_neighbours_lie_one_apart_also_around_zero(kind: type):
    tiny = np.nextafter(kind(0), kind(1))
    values = np.array([-tiny, 0.0, tiny, 1.0], kind)
    above = np.nextafter(values, kind(2))
    assert ulps(values, above).tolist() == [1, 1, 1, 1]
    assert ulps(np.array([-0.0], kind), np.array([0.0], kind)).tolist() == [0]


def test_a_nan_is_as_far_as_can_be_from_a_number_and_equal_to_another():
    nan, one = np.array([np.nan]), np.array([1.0])
    assert ulps(nan, one)[0] == ulps(np.array([-1.7e308]), np.array([1.7e308]))[0] == 2**62
    assert ulps(nan, nan)[0] == 0
    assert ulps(np.array([3]), np.array([4]))[0] == 2**62
