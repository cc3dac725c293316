import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis.extra.numpy import arrays

from mlplatform.spec.families import NumericEmbedding
from mlplatform.train.nets.numeric import LOW, STEEP, Numeric, edges

FLOATS = st.floats(-1e6, 1e6, width=32)


def encoded(vectors: np.ndarray, low: np.ndarray, steepness: np.ndarray) -> np.ndarray:
    return np.clip((vectors[:, :, None] - low) * steepness, 0, 1)


@settings(max_examples=50)
@given(arrays(np.float32, st.tuples(st.integers(1, 60), st.just(2)), elements=FLOATS), st.data())
def test_encodings_rise_with_the_number_and_stay_within_zero_and_one(vectors, data):
    """However many values tie, and also beyond what training saw."""
    low, steepness = edges(vectors, 5)
    asked = np.sort(data.draw(arrays(np.float32, (9, 2), elements=FLOATS)), axis=0)
    found = encoded(asked, low, steepness)
    assert np.isfinite(found).all()
    assert (found >= 0).all()
    assert (found <= 1).all()
    assert (np.diff(found, axis=0) >= 0).all()


def test_a_number_fills_the_bins_below_it_and_a_part_of_its_own():
    vectors = np.linspace(0, 4, 401, dtype=np.float32)[:, None]
    low, steepness = edges(vectors, 4)
    np.testing.assert_allclose(low[0], [0, 1, 2, 3], atol=1e-5)
    found = encoded(np.array([[2.25]], np.float32), low, steepness)
    np.testing.assert_allclose(found[0, 0], [1, 1, 0.25, 0], atol=1e-4)


def test_a_constant_feature_adds_nothing():
    low, steepness = edges(np.full((10, 1), 7, np.float32), 3)
    assert not steepness.any()
    assert not encoded(np.array([[9.0]], np.float32), low, steepness).any()


@pytest.mark.parametrize("kind", ["piecewise_linear", "periodic"])
def test_each_feature_becomes_its_own_numbers(kind):
    form = NumericEmbedding(kind=kind, bins=6, width=8)
    vectors = np.random.default_rng(0).normal(size=(50, 4)).astype(np.float32)
    numeric = Numeric(4, form)
    params, fixed = numeric.init(np.random.default_rng(1), vectors)
    assert set(fixed) == ({LOW, STEEP} if kind == "piecewise_linear" else set())
    found = np.asarray(numeric.embed({**params, **fixed}, vectors))
    changed = vectors.copy()
    changed[:, 2] += 0.5
    other = np.asarray(numeric.embed({**params, **fixed}, changed))
    assert found.shape == (50, numeric.size) == (50, 32)
    moved = (found != other).any(axis=0)
    assert moved[16:24].any()
    assert not moved[:16].any()
    assert not moved[24:].any()


def test_without_a_form_the_vectors_pass_as_they_are():
    vectors = np.ones((2, 3), np.float32)
    numeric = Numeric(3, None)
    assert numeric.init(np.random.default_rng(0), vectors) == ({}, {})
    np.testing.assert_array_equal(numeric.embed({}, vectors), vectors)
