import hypothesis.strategies as st
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from sklearn.preprocessing import KBinsDiscretizer

from mlplatform.errors import FeatureError, SpecError
from mlplatform.features import (
    Aggregate,
    Bucketize,
    Categorical,
    Cross,
    Elapsed,
    Embedding,
    FeatureSet,
    Hashed,
    Numeric,
    feature,
)
from mlplatform.features import fitting_categories as categories
from mlplatform.features.fitting import fit
from mlplatform.features.fitting_numbers import Sample, quantile_edges, quantiles
from mlplatform.features.inputs import HashInput, NumberInput, TimeInput, VocabularyInput
from mlplatform.features.state import BucketState, FunctionState, NumericState
from mlplatform_tests.features import kinds

samples = st.lists(st.integers(-50, 50) | st.just(0), min_size=1, max_size=200)
TYPES = {"x": "float64", "city": "string", "flag": "bool", "n": "int64", "at": "timestamp"}


def fitted(features, types=None, **columns):
    table = pa.table(columns)
    return fit(FeatureSet(features), table.to_batches(max_chunksize=3), types or TYPES)


def state(one, values):
    return fitted([one], x=pa.array(values, pa.float64())).states[0]


@given(samples, st.integers(1, 12))
def test_edges_ascend_and_span_values_that_rows_have(values, bins):
    values = np.array(values, np.float64)
    edges = quantile_edges(values, bins)
    assert set(edges) <= set(values)
    assert list(edges) == sorted(set(edges))
    assert (edges[0], edges[-1]) == (values.min(), values.max())
    assert len(edges) <= bins + 1


def test_few_distinct_values_are_each_an_edge():
    assert quantile_edges(np.array([3.0, 1, 2, 2, 2]), 4) == (1, 2, 3)


def test_a_value_that_fills_many_bins_takes_one_edge_and_leaves_the_rest():
    """Nine tenths of the capital gains are zero; the others are what is worth cutting."""
    values = np.concatenate([np.zeros(900), np.arange(1, 101.0)])
    edges = quantile_edges(values, 10)
    assert len(edges) == 11
    assert edges[:2] == (0, 1)
    assert max(np.diff(edges)) <= 12


@given(samples)
def test_quantiles_rise_from_none_to_all_of_the_rows(values):
    edges, shares = quantiles(np.sort(np.array(values, np.float64)))
    assert len(edges) == len(shares)
    assert list(edges) == sorted(set(edges))
    assert list(shares) == sorted(set(shares))
    assert shares[0] == 0
    assert shares[-1] == (1 if len(shares) > 1 else 0)


def test_a_value_that_is_many_quantiles_takes_the_middle_of_their_shares():
    edges, shares = quantiles(np.array([0.0, 5, 5, 5, 9]))
    assert (edges, shares) == ((0, 5, 9), (0, 0.5, 1))


def test_intervals_are_those_of_scikit_learn():
    values = np.random.default_rng(0).normal(size=1003)
    theirs = KBinsDiscretizer(
        5, strategy="quantile", quantile_method="inverted_cdf", subsample=None
    )
    theirs.fit(np.float32(values)[:, None])
    ours = state(Bucketize("b", column="x", quantiles=5), values)
    np.testing.assert_allclose(ours.edges, theirs.bin_edges_[0][1:-1])


@pytest.mark.parametrize(
    ("values", "edges"),
    [([0, 0, 0, 0, 0, 0, 1], (1,)), ([1, 2, 3], (2, 3)), ([7, 7], ()), ([*range(100)] + [99] * 90, (47, 94, 99))],
)  # fmt: skip
def test_an_interval_has_rows_below_each_of_its_edges(values, edges):
    found = state(Bucketize("b", column="x", quantiles=4), values)
    assert found == BucketState(name="b", input=0, edges=tuple(map(float, edges)))


def test_declared_edges_are_kept():
    assert state(Bucketize("b", column="x", edges=(0.1, 7)), [None]).edges == (0.1, 7.0)


def test_missing_values_take_the_training_median_and_say_so():
    one = state(Numeric("x"), [1.0, 2.0, 30.0, None])
    assert (one.fill, one.indicator) == (2.0, True)
    assert not state(Numeric("x"), [1.0, 2.0, 30.0]).indicator


def test_a_declared_value_for_missing_ones_needs_no_indicator():
    one = state(Numeric("x", missing=7.0), [None, None])
    assert (one.fill, one.indicator) == (7.0, False)


def test_all_is_learnt_of_clipped_values_and_of_their_logarithm():
    one = state(Numeric("x", clip=(0, 3), log=True), [-5, 0, None, 3, 99])
    assert (one.clip, one.fill) == ((0, 3), 1.5)
    expected = np.log1p([0, 0, 1.5, 3, 3])
    assert (one.mean, one.deviation) == pytest.approx((expected.mean(), expected.std()))
    assert state(Numeric("x", clip=(0, 3), bins=2), [-5, 0, 1, 3, 99]).edges == (0, 1, 3)


def test_every_kind_is_fitted_and_equal_inputs_are_one():
    encoder = kinds.encoder()
    names = [state.name for state in encoder.states]
    assert names == [one.name for one in kinds.FEATURES.features]
    assert len(set(encoder.inputs)) == len(encoder.inputs)
    numbers = [one.column for one in encoder.inputs if isinstance(one, NumberInput)]
    assert sorted(numbers) == ["delay", "fare", "open", "stops"]
    assert sum(isinstance(one, TimeInput) for one in encoder.inputs) == 1
    by_name = {state.name: state for state in encoder.states}
    assert by_name["lead"].edges[0] > 0
    cross = by_name["city_stops"]
    assert (cross.of, cross.sizes, cross.buckets) == (("city__id", "stops_level__id"), (5, 5), 25)
    assert by_name["city_hour_plane"].of == ("city__id", "left__hour", "plane__id")
    assert isinstance(by_name["ratios"], FunctionState)
    assert len(by_name["ratios"].source) == 64


@settings(max_examples=10)
@given(st.integers(0, 2**32 - 1), st.integers(1, 500))
def test_neither_order_nor_batches_of_rows_make_a_difference(seed, rows):
    features = FeatureSet(
        [one for one in kinds.FEATURES.features if one.name not in kinds.FUNCTIONS]
    )
    data = kinds.dataset(500)
    shuffled = data.take(np.random.default_rng(seed).permutation(500))
    assert fit(features, shuffled.to_batches(rows), kinds.COLUMNS) == fit(
        features, data.to_batches(), kinds.COLUMNS
    )


@given(st.integers(0, 2**32 - 1), st.integers(1, 40), st.sets(st.integers(-99, 99)))
def test_the_sample_is_the_same_rows_in_any_order_and_batches(seed, size, numbers):
    rows = np.array(sorted(numbers), np.int64)
    order = np.random.default_rng(seed).permutation(rows)
    found = []
    for given_rows, batch in ((rows, max(len(rows), 1)), (order, 1 + seed % 7)):
        sample = Sample(1, rows=size)
        for start in range(0, len(rows), batch):
            part = given_rows[start : start + batch]
            sample.add(part, part.astype(np.float32)[:, None])
        found.append(sorted(sample.values()[:, 0]))
    assert found[0] == found[1]
    assert len(found[0]) == min(size, len(rows))
    assert set(found[0]) <= set(rows)


def test_of_many_rows_a_uniform_sample_teaches():
    sample, rows = Sample(1, rows=1000), np.arange(100_000)
    for start in range(0, len(rows), 999):
        part = rows[start : start + 999]
        sample.add(part, part.astype(np.float32)[:, None])
        assert sum(map(len, sample._hashes)) <= 1000 + 250 + 999
    values = np.sort(sample.values()[:, 0])
    assert len(values) == 1000
    assert np.abs(values / 100_000 - np.linspace(0, 1, 1000)).max() < 0.062


def test_lacking_values_are_counted_in_all_rows_and_not_in_the_sample_only():
    sample = Sample(1, rows=2)
    sample.add(np.arange(9), np.float32([[1]] * 8 + [[np.nan]]))
    assert sample.missing.tolist() == [1]


def test_only_the_rows_given_are_learnt_from():
    """A city that only test rows have must not get an id of its own."""
    encoder = fitted([Categorical("city")], city=["a", "b", "a"])
    assert encoder.inputs[0].vocabulary == ("a", "b")
    other = pa.table({"city": ["a", "b", "a", "c"]})
    assert encoder.encode(other).integers[:, 0].tolist() == [2, 3, 2, 1]


@pytest.mark.parametrize("coded", [False, True])
def test_vocabularies_count_all_batches_and_are_in_order(coded):
    cities = pa.array(["b", "a", None, "a", "c", "b", "a"])
    columns = {
        "city": cities.dictionary_encode() if coded else cities,
        "n": pa.array([10, 9, 10, None, -1, 3, 3]),
        "flag": pa.array([True, None, False, True, True, True, True]),
    }
    features = [Categorical("city", min_count=2), Categorical("n"), Categorical("flag")]
    found = [one.vocabulary for one in fitted(features, **columns).inputs]
    assert found == [("a", "b"), ("-1", "3", "9", "10"), ("false", "true")]


def test_categories_with_equal_vocabularies_share_their_input():
    one, other = Categorical("city"), Categorical("town", column="city")
    rare = Categorical("rare", column="city", min_count=2)
    encoder = fitted([one, other, rare, Hashed("city_hash", column="city")], city=["a", "b", "a"])
    assert [type(one) for one in encoder.inputs] == [VocabularyInput, VocabularyInput, HashInput]
    assert [state.input for state in encoder.states] == [0, 0, 1, 2]


def test_values_of_aggregates_are_numbers_and_their_entities_are_named():
    late = Aggregate("late", events="flights", by=["plane", "city"], window="1h")
    batch = pa.record_batch({"late": [1.0, 3.0], "city": ["a", "b"]})
    types = {"plane": "string", "city": "string", "at": "timestamp"}
    features = FeatureSet([Numeric("late", column=late), Categorical("city")])
    encoder = fit(features, [batch], types, event_time="at")
    assert encoder.columns == {"late": "float64", "city": "string"}
    assert (encoder.aggregates, encoder.event_time) == ((late,), "at")
    assert encoder.entities == (("plane", "string"),)
    with pytest.raises(FeatureError, match="an aggregate looks up by 'plane', which is no column"):
        fit(features, [batch], {"city": "string"}, event_time="at")


def test_without_aggregates_there_is_no_event_time():
    assert (
        fit(FeatureSet([Numeric("x")]), [pa.record_batch({"x": [1.0]})], TYPES, "at").event_time
        == ""
    )


@feature(columns=["x"])
def mixing(x):
    """Of every row its neighbour's value, which no trace of one row shows."""
    import jax.numpy as jnp

    return jnp.where(jnp.arange(x.shape[0]) == 0, x[-1], x)


@pytest.mark.parametrize(
    ("columns", "features", "said"),
    [
        ({"x": pa.array([], pa.float64())}, [Numeric("x")], "no training rows"),
        ({"x": pa.array([None], pa.float64())}, [Numeric("x")], "every training value of 'x' is mis"),
        (
            {"x": pa.array([None], pa.float64())},
            [Bucketize("x", quantiles=3)],
            "every training value of 'x' is missing; remove the feature or declare edges=",
        ),
        ({"x": ["a"]}, [Numeric("x")], "column 'x' holds string; a number is expected"),
        ({"x": [1.0, float("nan")]}, [Numeric("x")], "row 1: column 'x' is nan"),
        ({"city": [1.5]}, [Categorical("city")], "column 'city' holds double; text is expected"),
        ({"city": ["a"]}, [Numeric("x")], "column 'x' is missing; columns: city"),
        ({"x": [1.0]}, [Numeric("y")], "feature 'y' reads 'y', which is no column; columns: x,"),
        ({"x": [1.0]}, [Embedding("x")], "feature 'x' reads 'x', which is float64, no vector"),
        (
            {"city": ["a"]},
            [Categorical("city"), Hashed("h", column="city", buckets=10**6), Cross("c", of=("city", "h"))],
            "feature 'c' has 3,000,006 combinations; 1,000,000 are possible: give buckets=",
        ),
        ({"x": [1.0]}, [Numeric("x"), Cross("c", of=("x", "y"))], "'c' crosses 'x__id', which is no"),
    ],
)  # fmt: skip
def test_what_cannot_be_learnt_from_is_refused(columns, features, said):
    with pytest.raises(FeatureError, match=said):
        fitted(features, **columns)


def test_a_function_that_mixes_rows_is_refused():
    with pytest.raises((FeatureError, SpecError), match="feature 'mixing' mixes rows"):
        fitted([mixing], x=[1.0, 2.0, 3.0])


def test_too_many_values_for_a_vocabulary_are_refused(monkeypatch):
    monkeypatch.setattr(categories, "MAX_IDS", 3)
    with pytest.raises(FeatureError, match=r"'city' has more than 3 distinct values.*; use Hashed"):
        fitted([Categorical("city")], city=["a", "b", "c", "d"])


def test_time_from_one_instant_to_another_is_a_number_too():
    at = pa.array([0, 3_600_000_000, None], pa.timestamp("us", "UTC"))
    types = {"at": "timestamp", "end": "timestamp"}
    end = pa.array([7_200_000_000] * 3, pa.timestamp("us", "UTC"))
    one = fitted([Elapsed("wait", "end", since="at", unit="hours")], types, at=at, end=end).states[
        0
    ]
    assert isinstance(one, NumericState)
    assert (one.fill, one.indicator) == (1.5, True)
