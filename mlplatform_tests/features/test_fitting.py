import hypothesis.strategies as st
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given

from mlplatform.errors import FeatureError
from mlplatform.features import Categorical, FeatureSet, Numeric
from mlplatform.features.fitting import quantile_edges
from mlplatform_tests.features import people

samples = st.lists(st.integers(-50, 50) | st.just(0), min_size=1, max_size=200)


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


def test_missing_values_take_the_training_median_and_say_so():
    table = pa.table({"x": pa.array([1.0, 2.0, 30.0, None])})
    state = FeatureSet([Numeric("x")]).fit(table).numeric[0]
    assert state.fill == 2.0
    assert state.indicator
    assert not FeatureSet([Numeric("x")]).fit(table.slice(0, 3)).numeric[0].indicator


def test_a_declared_value_for_missing_ones_needs_no_indicator():
    table = pa.table({"x": pa.array([None, None], pa.float64())})
    encoder = FeatureSet([Numeric("x", missing=7.0)]).fit(table)
    assert (encoder.numeric[0].fill, encoder.numeric[0].indicator) == (7.0, False)


def test_the_order_of_rows_makes_no_difference():
    table = people.dataset(500)
    order = np.random.default_rng(1).permutation(500)
    assert people.FEATURES.fit(table.take(order)) == people.FEATURES.fit(table)


def test_only_the_rows_given_are_learnt_from():
    """A city that only test rows have must not get an id of its own."""
    table = pa.table({"city": ["a", "b", "a", "c"]})
    encoder = FeatureSet([Categorical("city")]).fit(table.slice(0, 3))
    assert encoder.categorical[0].vocabulary == ("a", "b")
    assert encoder.encode(table).categorical[:, 0].tolist() == [2, 3, 2, 1]


@pytest.mark.parametrize(
    ("table", "features", "said"),
    [
        ({"x": pa.array([], pa.int64())}, [Numeric("x")], "no training rows"),
        ({"x": pa.array([None], pa.int64())}, [Numeric("x")], "every training value of 'x' is mis"),
        ({"x": ["a"]}, [Numeric("x")], "column 'x' holds string; a number is expected"),
        ({"x": [1.5]}, [Categorical("x")], "column 'x' holds double; text is expected"),
        ({"y": [1]}, [Numeric("x")], "column 'x' is missing; columns: y"),
    ],
)
def test_rows_that_teach_nothing_are_refused(table, features, said):
    with pytest.raises(FeatureError, match=said):
        FeatureSet(features).fit(pa.table(table))
