"""Rows changed in bulk: whatever a column holds, and only where it says."""

from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlplatform.evaluate.behaviour_changes import added, column_of, noisy, with_values
from mlplatform.evaluate.behaviour_trial import UntriedError

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
ROWS = pa.table(
    {
        "text": ["a", None, "b"],
        "coded": pa.array(["a", None, "b"]).dictionary_encode(),
        "whole": [1, None, 3],
        "number": [0.5, None, 1.5],
        "flag": [True, None, False],
        "time": pa.array([NOON, None, NOON], pa.timestamp("us", tz="UTC")),
        "vector": pa.array([[1.0, 2.0], None, [3.0, 4.0]], pa.list_(pa.float32(), 2)),
    }
)


@pytest.mark.parametrize(
    ("column", "value", "where"),
    [
        ("text", "a", [False, True, True]),
        ("coded", "b", [True, True, False]),
        ("whole", 3, [True, True, False]),
        ("number", 2, [True, True, True]),
        ("flag", True, [False, True, True]),
        ("time", "2026-01-01T12:00:00Z", [False, True, False]),
        ("vector", [3.0, 4.0], [True, True, False]),
        ("text", None, [True, False, True]),
        ("vector", None, [True, False, True]),
    ],
)
def test_a_value_is_set_in_every_row_and_changes_those_that_had_another(column, value, where):
    changed = with_values(ROWS, {column: value})
    assert changed.where.tolist() == where
    wanted = NOON if column == "time" else value
    assert changed.rows[column].to_pylist() == [wanted] * 3
    assert changed.rows.drop_columns(column) == ROWS.drop_columns(column)
    assert changed.rows.schema.field(column).type == ROWS.schema.field(column).type


def test_a_row_is_changed_when_one_of_several_columns_is():
    assert with_values(ROWS, {"text": "a", "whole": 3}).where.tolist() == [True, True, True]


def test_a_value_that_the_column_cannot_hold_is_told():
    with pytest.raises(UntriedError, match="'whole' is int64 and cannot hold 'x'"):
        with_values(ROWS, {"whole": "x"})
    with pytest.raises(UntriedError, match="no column 'other'"):
        column_of(ROWS, "other")
    with pytest.raises(UntriedError, match="'text' is string and holds no numbers"):
        added(ROWS, "text", 1)


def test_what_is_added_leaves_missing_values_missing_and_whole_numbers_whole():
    changed = added(ROWS, "whole", 2)
    assert changed.rows["whole"].to_pylist() == [3, None, 5]
    assert changed.where.tolist() == [True, False, True]
    assert added(ROWS, "number", -0.5).rows["number"].to_pylist() == [0.0, None, 1.0]


@given(st.lists(st.one_of(st.none(), st.integers(-(2**50), 2**50)), min_size=1, max_size=50))
def test_noise_depends_on_its_column_alone_and_rounds_whole_numbers(values):
    rows = pa.table({"a": pa.array(values, pa.int64()), "b": pa.array(values, pa.float64())})
    both, alone = noisy(rows, {"a": 3.0, "b": 3.0}).rows, noisy(rows, {"b": 3.0}).rows
    assert both["b"].to_pylist() == alone["b"].to_pylist()
    assert both["a"].type == pa.int64()
    known = [i for i, value in enumerate(values) if value is not None]
    moved = [both["a"][i].as_py() - values[i] for i in known]
    assert np.abs(moved).max(initial=0) < 30  # Ten deviations.
    assert [both["a"][i].as_py() for i in range(len(values)) if i not in known] == [None] * (
        len(values) - len(known)
    )


def test_noise_without_deviation_changes_nothing():
    assert not noisy(ROWS, {"number": 0.0}).where.any()
