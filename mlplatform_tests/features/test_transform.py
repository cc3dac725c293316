import hypothesis.strategies as st
import jax
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings

from mlplatform.features import Categorical, FeatureSet, Numeric
from mlplatform.features.buckets import BUCKETS, bucket, in_buckets
from mlplatform.features.encoder import Encoded
from mlplatform.features.table import vectors
from mlplatform_tests.features import people


def transformed(feature, train, values):
    """The float columns of one numeric feature fitted on `train`."""
    encoder = FeatureSet([feature]).fit(pa.table({"x": pa.array(train, pa.float64())}))
    return vectors(encoder, encoder.encode(pa.table({"x": pa.array(values, pa.float64())})))


def test_a_value_fills_the_bins_below_it_and_part_of_its_own():
    made = transformed(Numeric("x", bins=2), [0, 10, 30], [-5, 0, 5, 10, 25, 30, 99])
    expected = [[0, 0], [0, 0], [0.5, 0], [1, 0], [1, 0.75], [1, 1], [1, 1]]
    np.testing.assert_array_equal(made, expected)


def test_without_bins_a_value_is_standardised_and_bounded():
    made = transformed(Numeric("x"), [1, 3], [1, 2, 3, 1e30, -1e30])
    np.testing.assert_array_equal(made[:, 0], [-1, 0, 1, 10, -10])


def test_the_logarithm_keeps_the_sign():
    made = transformed(Numeric("x", log=True), [-np.expm1(1), np.expm1(1)], [0, -np.expm1(1)])
    np.testing.assert_allclose(made[:, 0], [0, -1], atol=1e-6)


def test_a_missing_value_becomes_the_median_and_sets_its_indicator():
    made = transformed(Numeric("x", bins=2), [0, 10, 30, None], [None, 10])
    np.testing.assert_array_equal(made, [[1, 0, 1], [1, 0, 0]])


@pytest.mark.parametrize("bins", [None, 4])
def test_a_feature_constant_in_training_is_always_zero(bins):
    made = transformed(Numeric("x", bins=bins), [3, 3, 3], [3, 4, -1e9])
    np.testing.assert_array_equal(made, np.zeros((3, 1)))


@pytest.mark.parametrize("features", [[Numeric("age", bins=3)], [Categorical("city")]])
def test_a_set_of_one_kind_only_has_no_columns_of_the_other(features):
    encoder = FeatureSet(features).fit(people.dataset(60))
    encoded = encoder.encode(people.dataset(60))
    floats, ids = encoder.transform(encoded.numeric, encoded.categorical)
    assert floats.shape == (60, len(encoder.vector_names))
    assert ids.shape == (60, len(encoder.id_names))


@settings(max_examples=15)
@given(st.integers(1, 300), st.integers(0, 2**32 - 1))
def test_a_vector_has_the_same_bits_in_a_batch_of_any_size(rows, seed):
    """Without padding, so XLA compiles this very size: logarithms and vector tails included."""
    encoder = people.FEATURES.fit(people.dataset(400))
    encoded = encoder.encode(people.dataset(rows, seed))
    program = jax.jit(encoder.transform)
    whole = np.asarray(program(encoded.numeric, encoded.categorical)[0])
    assert whole.tobytes() == vectors(encoder, encoded).tobytes()
    for at in {0, rows // 2, rows - 1}:
        alone = encoded[at : at + 1]
        one = np.asarray(program(alone.numeric, alone.categorical)[0])
        assert one.tobytes() == whole[at : at + 1].tobytes()


@given(st.integers(0, 10_000))
def test_a_batch_is_padded_to_the_smallest_bucket_that_holds_it(rows):
    chosen = bucket(rows)
    assert chosen in BUCKETS
    assert chosen >= min(rows, BUCKETS[-1])
    assert not [size for size in BUCKETS if rows <= size < chosen]


@given(st.integers(0, 3 * BUCKETS[-1]))
@settings(max_examples=30)
def test_padding_is_cut_off_again_and_no_row_lost(rows):
    encoded = Encoded(np.arange(rows, dtype=np.float32)[:, None], np.zeros((rows, 0), np.int32))
    seen = []

    def program(part: Encoded) -> np.ndarray:
        seen.append(len(part))
        return part.numeric[:, 0] * 2

    np.testing.assert_array_equal(in_buckets(program, encoded), np.arange(rows) * 2)
    assert set(seen) <= set(BUCKETS)
