"""Arrow columns to arrays: the only code that reads raw values, of a table or of one row."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa

from mlplatform.errors import FeatureError
from mlplatform.features.state import MISSING, UNSEEN

WORDS = {"int64": "a whole number", "float64": "a number", "string": "text"}
NUMBERS = ("int64", "float64")


def numbers(data: pa.Table | pa.RecordBatch, column: str) -> np.ndarray:
    """Return f32[rows] with NaN where the value is missing.

    Integers pass through float64 whether or not some are missing, so that a row rounds as its
    table does.

    Raises:
        FeatureError: If the column is missing, holds no numbers, or a value is NaN, infinite or
            too large.
    """
    array = column_of(data, column)
    if kind_of(array.type) not in NUMBERS:
        raise FeatureError(f"column {column!r} holds {array.type}; a number is expected")
    values = array.to_numpy(zero_copy_only=False).astype(np.float64, copy=False)
    with np.errstate(over="ignore"):
        result: np.ndarray = values.astype(np.float32)
    finite = np.isfinite(result)
    if np.count_nonzero(finite) + array.null_count != len(result):
        row = int(np.flatnonzero(~finite & array.is_valid().to_numpy(zero_copy_only=False))[0])
        raise FeatureError(
            f"row {row}: column {column!r} is {values[row]};"
            " a finite 32-bit number is expected, or null where there is no value"
        )
    return result


def categories(
    data: pa.Table | pa.RecordBatch, column: str, kind: str, ids: Mapping[Any, int]
) -> np.ndarray:
    """Return i32[rows]: the id of each value, `MISSING` where it is null, `UNSEEN` outside `ids`.

    Only distinct values are looked up, so the cost per row is independent of the vocabulary.

    Raises:
        FeatureError: If the column is missing or is not of `kind`, "string" or "int64".
    """
    values = dictionary(data, column, kind)
    known = [ids.get(value, UNSEEN) for value in values.dictionary.to_pylist()]
    positions = values.indices.fill_null(0) if values.null_count else values.indices
    result: np.ndarray = np.array([*known, MISSING], dtype=np.int32)[positions.to_numpy()]
    if values.null_count:
        result[values.is_null().to_numpy(zero_copy_only=False)] = MISSING
    return result


def dictionary(data: pa.Table | pa.RecordBatch, column: str, kind: str) -> pa.DictionaryArray:
    """Return the column as its distinct values and where each stands.

    Raises:
        FeatureError: If the column is missing or is not of `kind`, "string" or "int64".
    """
    array = column_of(data, column)
    coded = pa.types.is_dictionary(array.type)
    if kind_of(array.type.value_type if coded else array.type) != kind:
        raise FeatureError(f"column {column!r} holds {array.type}; {WORDS[kind]} is expected")
    return array if coded else array.dictionary_encode()


def kind_of(arrow: pa.DataType) -> str | None:
    """Return the column type of a spec that `arrow` stores, or None."""
    if pa.types.is_integer(arrow):
        return "int64"
    if pa.types.is_floating(arrow):
        return "float64"
    text = (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view)
    return "string" if any(is_text(arrow) for is_text in text) else None


def column_of(data: pa.Table | pa.RecordBatch, column: str) -> pa.Array:
    """Return the named column in one piece.

    Raises:
        FeatureError: If there is none, or several of that name.
    """
    at = data.schema.get_all_field_indices(column)
    if len(at) != 1:
        found = "missing" if not at else f"there {len(at)} times"
        raise FeatureError(f"column {column!r} is {found}; columns: {', '.join(data.schema.names)}")
    array = data.column(at[0])
    return array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array
