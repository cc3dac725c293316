import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlplatform.monitor.histogram import CategoricalBins, Histogram, NumericBins
from mlplatform.monitor.reference import cut, load
from mlplatform.validate.distance import BinMismatchError


def column(values, kind=None):
    return pa.chunked_array([pa.array(values, kind)])


def seen(values):
    return load(cut(pa.table({"x": values}), ["x"]))["x"]


def test_a_value_on_an_edge_lies_below_it_and_the_outer_bins_are_open():
    bins = NumericBins(edges=(1.0, 2.0))
    values = [-1e300, 1.0, 1.5, 2.0, 2.1, float("inf"), float("nan"), None]
    assert bins.count(column(values)).counts == (2, 2, 2, 2)
    assert bins.names == ("up to 1", "1 to 2", "above 2", "(missing)")


def test_an_unseen_category_is_other_and_a_null_is_missing():
    bins = CategoricalBins(values=("a", "b"))
    assert bins.count(column(["a", "b", "b", "new", None, ""])).counts == (1, 2, 2, 1)


def test_a_category_called_other_is_not_the_other_bin():
    bins = CategoricalBins(values=("(missing)", "(other)"))
    assert bins.count(column(["(other)", "(missing)", "new", None])).counts == (1, 1, 1, 1)


@given(
    st.lists(st.floats() | st.none(), min_size=1, max_size=60),
    st.lists(st.floats() | st.none(), max_size=60),
)
def test_no_row_of_a_number_ever_vanishes(training, served):
    reference = seen(column(training, pa.float64()))
    assert reference.bins.count(column(training, pa.float64())) == reference
    assert reference.rows == len(training)
    assert reference.bins.count(column(served, pa.float64())).rows == len(served)


@given(
    st.lists(st.text(max_size=3) | st.none(), min_size=1), st.lists(st.text(max_size=3) | st.none())
)
def test_no_row_of_a_category_ever_vanishes(training, served):
    reference = seen(column(training, pa.string()))
    assert reference.bins.count(column(training, pa.string())) == reference
    assert reference.bins.count(column(served, pa.string())).rows == len(served)


def test_numbers_are_cut_at_their_deciles():
    values = column(np.arange(1, 101))
    assert seen(values).bins.edges == tuple(range(10, 100, 10))
    assert seen(values).counts == (10,) * 10 + (0,)


def test_a_column_that_is_mostly_one_value_still_shows_what_lies_below_and_above_it():
    training = column([0] * 95 + [10] * 5)
    assert seen(training).counts == (0, 95, 5, 0)
    assert seen(training).bins.count(column([-3, 0, 99])).counts == (1, 1, 1, 0)


def test_whole_numbers_too_large_for_a_float_are_counted():
    assert NumericBins(edges=(0.0,)).count(column([2**60 + 1, -1])).counts == (1, 1, 0)


def test_a_column_without_any_value_has_a_bin_for_values_and_one_for_none():
    assert seen(column([None, None], pa.int64())).bins.count(
        column([None, 3], pa.int64())
    ).counts == (1, 1)


def test_categories_below_one_percent_are_other():
    training = column(["common"] * 197 + ["two"] * 2 + ["one"])
    assert seen(training).bins.values == ("common", "two")


def test_counts_that_do_not_fit_the_bins_are_an_error():
    with pytest.raises(BinMismatchError, match="3 bins need a count"):
        Histogram(bins=NumericBins(edges=(1.0,)), counts=(1, 2))
