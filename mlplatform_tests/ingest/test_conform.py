"""Typed values become the declared types where nothing is lost; else their row is rejected."""

import math
from datetime import UTC, date, datetime
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlplatform.errors import SourceError
from mlplatform.ingest.chunk import QUARANTINE, rows_schema
from mlplatform.ingest.conform import conform
from mlplatform_tests.ingest.conftest import make_spec


def spec_of(kind):
    return make_spec(columns={"x": kind, "y": "string"}, label={"column": "y", "positive": "a"})


def chunk_of(values, kind, first_line=1):
    batch = pa.RecordBatch.from_arrays([values, pa.array(["a"] * len(values))], names=["x", "y"])
    return conform(batch, spec_of(kind), "f", first_line)


def became(values, kind):
    """The values that became rows, and the lines that did not."""
    chunk = chunk_of(values, kind)
    assert chunk.rows.schema == rows_schema(spec_of(kind))
    assert chunk.rejected.schema == QUARANTINE
    return chunk.rows["x"].to_pylist(), chunk.rejected["source_line"].to_pylist()


UTC_2020 = datetime(2020, 1, 2, tzinfo=UTC)
BEYOND = 2**53 + 1  # The first integer that no float64 is.

CONVERSIONS = {
    "int32 to int64": (pa.array([1, None], pa.int32()), "int64", [1, None], []),
    "uint64 to int64": (pa.array([1, 2**63], pa.uint64()), "int64", [1], [2]),
    "whole floats to int64": (pa.array([1.0, 1.5, math.nan, math.inf]), "int64", [1, None], [2, 4]),
    "floats at the edge": (pa.array([-(2.0**63), 2.0**63]), "int64", [-(2**63)], [2]),
    "float32 to int64": (pa.array([3.0], pa.float32()), "int64", [3], []),
    "decimals to int64": (pa.array([Decimal("7.0"), Decimal("7.5"), None]), "int64", [7, None], [2]),
    "bools to int64": (pa.array([True, False]), "int64", [1, 0], []),
    "exact integers to float64": (pa.array([2**53, BEYOND]), "float64", [2.0**53], [2]),
    "the largest int64": (pa.array([2**63 - 1]), "float64", [], [1]),
    "the largest uint64": (pa.array([2**64 - 1, 2**63], pa.uint64()), "float64", [2.0**63], [1]),
    "int8 to float64": (pa.array([-3], pa.int8()), "float64", [-3.0], []),
    "decimals to float64": (pa.array([Decimal("0.1")]), "float64", [0.1], []),
    "nan is missing": (pa.array([math.nan, 1.5]), "float64", [None, 1.5], []),
    "infinite stays": (pa.array([math.inf]), "float64", [math.inf], []),
    "dictionary": (pa.array(["b", None, "b"]).dictionary_encode(), "string", ["b", None, "b"], []),
    "large strings": (pa.array(["ü"], pa.large_string()), "string", ["ü"], []),
    "string views": (pa.array(["ü"], pa.string_view()), "string", ["ü"], []),
    "bytes": (pa.array([b"ok", b"\xff", None]), "string", ["ok", None], [2]),
    "strings that lie": (pa.array([b"ok", b"\xff"]).view(pa.string()), "string", ["ok"], [2]),
    "0 and 1 to bool": (pa.array([0, 1, 2, None], pa.int8()), "bool", [False, True, None], [3]),
    "naive is UTC": (pa.array([datetime(2020, 1, 2)]), "timestamp", [UTC_2020], []),  # noqa: DTZ001
    "seconds": (pa.array([0, 2**62], pa.timestamp("s")), "timestamp", [datetime(1970, 1, 1, tzinfo=UTC)], [2]),
    "nanoseconds": (pa.array([1000, 1001, -1000], pa.timestamp("ns")), "timestamp",
        [datetime(1970, 1, 1, 0, 0, 0, 1, tzinfo=UTC), datetime(1969, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)], [2]),
    "days": (pa.array([date(2020, 1, 2), None]), "timestamp", [UTC_2020, None], []),
    "milliseconds of days": (pa.array([date(2020, 1, 2)], pa.date64()), "timestamp", [UTC_2020], []),
    "the year 10,000": (pa.array([2**31 - 1], pa.date32()), "timestamp", [], [1]),
    "nothing at all": (pa.nulls(2), "float64", [None, None], []),
}  # fmt: skip


@pytest.mark.parametrize("case", CONVERSIONS)
def test_a_value_converts_without_loss_or_its_row_is_rejected(case):
    values, kind, rows, rejected = CONVERSIONS[case]
    assert became(values, kind) == (rows, rejected)


NEVER = {
    "text to int64": (pa.array(["1"]), "int64"),
    "text to float64": (pa.array(["1"]), "float64"),
    "text to bool": (pa.array(["true"]), "bool"),
    "text to timestamp": (pa.array(["2020-01-01"]), "timestamp"),
    "numbers to text": (pa.array([1]), "string"),
    "floats to bool": (pa.array([1.0]), "bool"),
    "times of day": (pa.array([1], pa.time64("us")), "timestamp"),
    "lists": (pa.array([[1]]), "int64"),
    "structs": (pa.array([{"a": 1}]), "string"),
}


@pytest.mark.parametrize("case", NEVER)
def test_a_column_of_a_type_that_never_converts_refuses_the_file(case):
    values, kind = NEVER[case]
    with pytest.raises(SourceError, match=rf"^f: column 'x' is .*, declared {kind}; "):
        chunk_of(values, kind)


@given(st.lists(st.floats() | st.none(), max_size=30))
def test_every_row_is_either_kept_exactly_or_rejected(values):
    chunk = chunk_of(pa.array(values, pa.float64()), "int64", first_line=11)
    kept = dict(
        zip(chunk.rows["source_line"].to_pylist(), chunk.rows["x"].to_pylist(), strict=True)
    )
    rejected = chunk.rejected["source_line"].to_pylist()
    assert sorted([*kept, *rejected]) == list(range(11, 11 + len(values)))
    for line, value in enumerate(values, start=11):
        missing = value is None or math.isnan(value)
        whole = not missing and np.isfinite(value) and value == int(value) and abs(value) < 2**63
        if missing or whole:
            assert kept[line] == (None if missing else value)
        else:
            assert line in rejected


@given(st.lists(st.integers(-(2**63), 2**63 - 1) | st.none(), max_size=30))
def test_an_integer_becomes_a_float_only_when_it_comes_back(values):
    chunk = chunk_of(pa.array(values, pa.int64()), "float64")
    kept = dict(
        zip(chunk.rows["source_line"].to_pylist(), chunk.rows["x"].to_pylist(), strict=True)
    )
    for line, value in enumerate(values, start=1):
        assert (line in kept) == (value is None or int(float(value)) == value)
        assert value is None or line not in kept or kept[line] == value


def test_the_first_column_at_fault_is_told_with_its_value():
    spec = make_spec(columns={"x": "int64", "y": "bool"}, label={"column": "y", "positive": "1"})
    batch = pa.RecordBatch.from_pydict({"y": [5, 1, 1], "x": [1.5, 2.0, 2.5], "z": [0, 0, 0]})
    chunk = conform(batch, spec, "f", 7)
    assert chunk.rows.to_pylist() == [{"x": 2, "y": True, "source_file": "f", "source_line": 8}]
    first, second = chunk.rejected.to_pylist()
    assert first == {
        "source_file": "f",
        "source_line": 7,
        "column": "x",
        "reason": "not a whole number of int64",
        "text": "1.5",
    }
    assert (second["source_line"], second["text"]) == (9, "2.5")


SHOWN = {
    "bytes": (pa.array([b"a\xff"]).view(pa.string()), "string", r"a\xff"),
    "long": (pa.array([b"\xff" + b"a" * 5000]), "string", r"\xff" + "a" * 996),
    "late": (pa.array([2**62], pa.timestamp("us")), "timestamp", str(2**62)),
    "later days": (pa.array([2**31 - 1], pa.date32()), "timestamp", str(2**31 - 1)),
}


@pytest.mark.parametrize("case", SHOWN)
def test_a_value_that_cannot_be_printed_is_shown_all_the_same(case):
    values, kind, text = SHOWN[case]
    assert chunk_of(values, kind).rejected["text"].to_pylist() == [text]


def test_a_missing_column_is_named_with_those_there_are_on_one_line():
    batch = pa.RecordBatch.from_pydict({"a\nb": [1], "c" * 90: [1]})
    with pytest.raises(SourceError) as error:
        conform(batch, spec_of("int64"), "f", 1)
    assert str(error.value) == f"f: no column 'x'; it has a\\nb, {'c' * 63}…; correct `columns`"


def test_a_column_that_stands_twice_is_refused():
    batch = pa.RecordBatch.from_arrays([pa.array([1])] * 3, names=["x", "y", "x"])
    with pytest.raises(SourceError, match="2 columns are called 'x'; rename all but one"):
        conform(batch, spec_of("int64"), "f", 1)


def test_no_rows_are_no_rows():
    assert became(pa.array([], pa.int64()), "int64") == ([], [])
