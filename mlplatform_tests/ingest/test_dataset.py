"""Landed text becomes typed rows; what is not of its declared type is an error and never coerced."""

import hashlib

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mlplatform.errors import SourceError
from mlplatform.ingest.dataset import typed

INT64 = st.integers(-(2**63), 2**63 - 1)
FLOAT64 = st.floats(allow_nan=False, allow_infinity=False)
same_folder = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


def raw(ages, heights=None, members=None, first_line=1):
    count = len(ages)
    return pa.table(
        {
            "name": pa.array(["ann"] * count, pa.string()),
            "age": pa.array(ages, pa.string()),
            "height": pa.array(heights or ["1.5"] * count, pa.string()),
            "member": pa.array(members or ["yes"] * count, pa.string()),
            "source_file": pa.array(["people.csv"] * count),
            "source_line": pa.array(range(first_line, first_line + count), pa.int64()),
        }
    )


@same_folder
@given(st.lists(st.tuples(INT64, FLOAT64), min_size=1, max_size=20))
def test_written_numbers_are_read_back_exactly(make_pipeline, numbers):
    pipeline = make_pipeline({"people.csv": ""})
    ages, heights = zip(*numbers, strict=True)
    table = typed(pipeline, raw([str(a) for a in ages], [repr(h) for h in heights]))
    assert table["age"].to_pylist() == list(ages)
    assert table["height"].to_pylist() == list(heights)


def test_a_row_has_identity_declared_columns_and_origin_in_this_order(make_pipeline):
    table = typed(make_pipeline({"people.csv": ""}), raw(["007", None, "-0"], first_line=5))
    names = ["row_id", "name", "age", "height", "member", "source_file", "source_line"]
    assert table.column_names == names
    assert table["age"].to_pylist() == [7, None, 0]
    digests = [hashlib.sha256(f"people.csv:{line}".encode()).digest() for line in (5, 6, 7)]
    ids = [int.from_bytes(digest[:8], "big", signed=True) for digest in digests]
    assert table["row_id"].to_pylist() == ids


def test_the_labels_ending_is_dropped_and_no_other_columns(make_pipeline):
    pipeline = make_pipeline(
        {"people.csv": ""}, label={"column": "member", "positive": "yes", "strip": "."}
    )
    landed = raw(["1", "2", "3"], members=["yes.", "no..", None])
    landed = landed.set_column(0, "name", pa.array(["ann.", "bob.", "cy."]))
    table = typed(pipeline, landed)
    assert table["member"].to_pylist() == ["yes", "no", None]
    assert table["name"].to_pylist() == ["ann.", "bob.", "cy."]


NEITHER = [
    "",
    " ",
    "1e999",
    "NaN",
    "nan",
    "inf",
    "-Infinity",
    "0x1A",
    " 1",
    "1 ",
    "1_0",
    "1,5",
    "٣",
]
NO_INT = [*NEITHER, "1.0", "1e3", "9223372036854775808", "-9223372036854775809", "9" * 5000]
NO_FLOAT = [*NEITHER, ".", "1e", "e3", "-", "9" * 400, "1.2.3"]


@pytest.mark.parametrize("value", NO_INT)
def test_what_is_no_int64_is_named_with_file_line_and_column(make_pipeline, value):
    pipeline = make_pipeline({"people.csv": ""})
    with pytest.raises(SourceError, match=r"^people\.csv:9: age: .* is no int64; correct") as error:
        typed(pipeline, raw(["1", None, value, "x"], first_line=7))
    assert repr(value)[:20] in str(error.value)
    assert len(str(error.value)) < 250


@pytest.mark.parametrize("value", NO_FLOAT)
def test_what_is_no_float64_is_named_with_file_line_and_column(make_pipeline, value):
    pipeline = make_pipeline({"people.csv": ""})
    with pytest.raises(SourceError, match=r"^people\.csv:2: height: .* is no float64; correct"):
        typed(pipeline, raw(["1", "2"], ["1.5", value]))


@pytest.mark.parametrize("value", ["1.", ".5", "-0", "1E5", "12"])
def test_every_common_way_to_write_a_decimal_is_read(make_pipeline, value):
    table = typed(make_pipeline({"people.csv": ""}), raw(["1"], [value]))
    assert table["height"].to_pylist() == [float(value)]


def test_a_column_name_among_the_values_hints_at_a_header(make_pipeline):
    with pytest.raises(SourceError, match=r":1: age: the file has a header; set source\.header"):
        typed(make_pipeline({"people.csv": ""}), raw(["age", "1"]))


def test_a_raw_table_landed_under_other_columns_asks_for_landing(make_pipeline):
    with pytest.raises(SourceError, match="no column 'height'; land the source again"):
        typed(make_pipeline({"people.csv": ""}), raw(["1"]).drop(["height"]))
