"""Arrow columns to arrays: the only code that reads raw values, of a table or of one row."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from mlplatform.errors import FeatureError
from mlplatform.features.state import MISSING, UNSEEN

WORDS = {
    "int64": "a whole number",
    "float64": "a number",
    "string": "text",
    "bool": "true or false",
}
NUMBERS = ("int64", "float64")
FEW = 32  # Rows up to which looking up each category takes less time than finding distinct ones.
_STORED = {
    "int64": "int8 int16 int32 int64 uint8 uint16 uint32 uint64",
    "float64": "float16 float32 float64",
    "string": "string large_string string_view",
    "bool": "bool_",
}
_KINDS = {getattr(pa, t)().id: kind for kind, types in _STORED.items() for t in types.split()}


def numbers(data: pa.Table | pa.RecordBatch, columns: Sequence[str]) -> np.ndarray:
    """Return f32[rows, columns] with NaN where the value is missing.

    Integers pass through float64 whether or not some are missing, so that a row rounds as its
    table does.

    Raises:
        FeatureError: If a column is missing, holds no numbers, or a value is NaN, infinite or too
            large.
    """
    values = np.empty((data.num_rows, len(columns)), dtype=np.float64)
    nulls = 0
    for at, column in enumerate(columns):
        array = column_of(data, column)
        if kind_of(array.type) not in NUMBERS:
            raise FeatureError(f"column {column!r} holds {array.type}; a number is expected")
        values[:, at] = array.to_numpy(zero_copy_only=False)
        nulls += array.null_count
    with np.errstate(over="ignore"):
        result: np.ndarray = values.astype(np.float32)
    # Once for all columns, since a call costs more than a row; only an error looks for its place.
    if np.count_nonzero(np.isfinite(result)) + nulls != result.size:
        raise _not_finite(data, columns, values, result)
    return result


def _not_finite(
    data: pa.Table | pa.RecordBatch, columns: Sequence[str], values: np.ndarray, result: np.ndarray
) -> FeatureError:
    present = [column_of(data, c).is_valid().to_numpy(zero_copy_only=False) for c in columns]
    row, at = np.argwhere(~np.isfinite(result) & np.column_stack(present))[0]
    return FeatureError(
        f"row {row}: column {columns[at]!r} is {values[row, at]};"
        " a finite 32-bit number is expected, or null where there is no value"
    )


def categories(
    data: pa.Table | pa.RecordBatch, column: str, kind: str, ids: Mapping[Any, int]
) -> np.ndarray:
    """Return i32[rows]: the id of each value, `MISSING` where it is null, `UNSEEN` outside `ids`.

    Of many rows only the distinct values are looked up, so that their cost is Arrow's; of few, each
    value, which costs less than finding the distinct ones.

    Raises:
        FeatureError: If the column is missing or is not of `kind`: "string", "int64" or "bool".
    """
    array = categories_of(data, column, kind)
    if len(array) <= FEW:
        return _looked_up(array, ids)
    coded = array if isinstance(array, pa.DictionaryArray) else array.dictionary_encode()
    of_distinct = np.append(_looked_up(coded.dictionary, ids), np.int32(MISSING))
    # A null has no place among the distinct values: it looks up the last one.
    positions = coded.indices.cast(pa.int64()).fill_null(len(of_distinct) - 1)
    result: np.ndarray = of_distinct[positions.to_numpy()]
    return result


def _looked_up(values: pa.Array, ids: Mapping[Any, int]) -> np.ndarray:
    return np.array([ids.get(value, UNSEEN) for value in values.to_pylist()], dtype=np.int32)


def categories_of(data: pa.Table | pa.RecordBatch, column: str, kind: str) -> pa.Array:
    """Return the column, in one piece, dictionary-encoded or not.

    Raises:
        FeatureError: If the column is missing or is not of `kind`: "string", "int64" or "bool".
    """
    array = column_of(data, column)
    coded = isinstance(array, pa.DictionaryArray)
    if kind_of(array.type.value_type if coded else array.type) != kind:
        raise FeatureError(f"column {column!r} holds {array.type}; {WORDS[kind]} is expected")
    return array


def kind_of(arrow: pa.DataType) -> str | None:
    """Return the column type of a spec that `arrow` stores, or None."""
    return _KINDS.get(arrow.id)


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
