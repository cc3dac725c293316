"""Chunks have the schemas everyone relies on."""

import numpy as np
import pyarrow as pa

from mlplatform.ingest.chunk import QUARANTINE, Reject, chunk_of, rejected_batch, rows_schema
from mlplatform_tests.ingest.texts import spec_of


def test_rows_are_the_declared_columns_in_their_types_and_their_origin():
    kinds = ["string", "int64", "float64", "bool", "timestamp"]
    schema = rows_schema(spec_of({f"c{at}": kind for at, kind in enumerate(kinds)}))
    assert schema.names == ["c0", "c1", "c2", "c3", "c4", "source_file", "source_line"]
    utc = pa.timestamp("us", tz="UTC")
    types = [pa.string(), pa.int64(), pa.float64(), pa.bool_(), utc, pa.string(), pa.int64()]
    assert schema.types == types


def test_rejects_stand_in_the_files_order_and_show_a_thousand_characters():
    batch = rejected_batch("a.csv", [Reject(9, "bad", "é" * 2000, "age"), Reject(2, "worse", "x")])
    assert batch.schema == QUARANTINE
    assert batch["source_line"].to_pylist() == [2, 9]
    assert batch["column"].to_pylist() == [None, "age"]
    assert batch["text"].to_pylist() == ["x", "é" * 1000]


def test_a_blamed_row_is_left_out_and_the_others_keep_their_lines():
    columns = [pa.array(["a", "b", "c"]), pa.array([1, None, 3]), pa.array([1.0, 2.0, 3.0])]
    made = chunk_of(columns, np.array([4, 5, 7]), [1], [], "a.csv", spec_of())
    assert made.rows["name"].to_pylist() == ["a", "c"]
    assert made.rows["source_line"].to_pylist() == [4, 7]
    assert made.rows["source_file"].to_pylist() == ["a.csv", "a.csv"]
    assert made.rejected.num_rows == 0
