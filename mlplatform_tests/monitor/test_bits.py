import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlplatform.errors import FeatureError
from mlplatform.features.predicts import Predicts
from mlplatform.monitor.bits import Differences, spacing_of
from mlplatform.statistics.ulps import ulps

FLOATS = st.floats(width=32, allow_nan=False, allow_infinity=False)


def f32(*values):
    return np.array(values, np.float32)


def test_a_number_that_is_none_is_far_from_all():
    assert ulps(f32(0.5), f32(np.nan))[0] > 2**22


def test_every_bit_counts_also_the_sign_of_zero_and_the_first_difference_is_told():
    seen = Differences("server", ["age__scaled", "age__missing", "city__id"])
    vectors, ids = np.array([[1, 0], [2, 0]], np.float32), np.array([[3], [4]], np.int32)
    other = np.array([[1, -0.0], [2.0000002, 0]], np.float32)
    seen.features([7, 8], (vectors, ids), (vectors, ids))
    seen.features([9, 10], (vectors, ids), (other, np.array([[3], [5]], np.int32)))
    found = seen.seen()
    assert (found.rows, found.values, found.different) == (4, 12, 3)
    assert found.features == {"age__scaled": 1, "age__missing": 1, "city__id": 1}
    assert found.worst == "row 9: age__missing is 0.0 in the table, -0.0 by server"
    assert found.examples[1] == {
        "row_id": 10,
        "feature": "age__scaled",
        "expected": "2.0",
        "got": "2.0000002",
    }


def test_the_largest_distance_of_any_two_predictions_is_kept():
    seen = Differences("server", [])
    assert seen.seen().ulps is None
    near = np.nextafter(np.float32(0.5), np.float32(1))
    seen.predictions(f32(0.5, 0.25), f32(near, 0.25))
    seen.predictions(f32(0.5), f32(0.5))
    assert seen.seen().ulps == 1


def test_few_differences_are_kept_as_examples_and_all_are_counted():
    seen = Differences("batch", ["x"])
    zeros = np.zeros((1000, 1), np.float32)
    none = np.zeros((1000, 0), np.int32)
    seen.features(range(1000), (zeros, none), (zeros + 1, none))
    assert seen.seen().different == 1000
    assert len(seen.seen().examples) == 5


def test_a_row_that_is_refused_differs_in_every_feature():
    seen = Differences("server", ["x", "y"])
    seen.refused(3, "422: no")
    assert seen.seen().different == seen.seen().values == 2
    assert seen.seen().worst == "row 3 is refused by server: 422: no"


def test_features_of_another_width_are_of_another_model():
    seen = Differences("server", ["x"])
    one, none = np.zeros((2, 1), np.float32), np.zeros((2, 0), np.int32)
    with pytest.raises(FeatureError, match=r"server: features are float32\[2, 3\]"):
        seen.features([0, 1], (one, none), (np.zeros((2, 3), np.float32), none))
    with pytest.raises(FeatureError, match="1 predictions of 2 rows"):
        seen.predictions(f32(0, 1), f32(0))


@given(st.floats(-16, 16))
def test_a_bit_of_the_log_odds_is_about_a_bit_of_the_probability(odds):
    """However small the probability: sixteen of its own bits are one of what it was computed from."""
    near = np.nextafter(np.float32(odds), np.float32(np.inf))
    one, other = (f32(1 / (1 + np.exp(-np.float64(at)))) for at in (np.float32(odds), near))
    seen = Differences("server", ["x"])
    seen.predictions(one, other, spacing_of(Predicts(task="binary"), one))
    assert seen.seen().ulps <= 3


def test_a_number_that_large_ones_left_is_measured_by_their_size():
    numbers = f32(1000.0, 1e-3)
    apart = f32(1000.0, 1e-3 + 5e-5)
    seen = Differences("server", ["x"])
    seen.predictions(numbers, apart, spacing_of(Predicts(task="regression"), numbers))
    assert seen.seen().ulps == 2
