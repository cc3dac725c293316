"""Raw columns of Arrow: which there are, of which type, and the numbers among them."""

from collections.abc import Sequence
from typing import Any, TypeAlias, cast

import numpy as np
import pyarrow as pa

from mlplatform.errors import FeatureError
from mlplatform.spec.section import vector_width

WORDS = {
    "int64": "a whole number",
    "float64": "a number",
    "string": "text",
    "bool": "true or false",
    "timestamp": "a time",
}
NUMBERS = ("int64", "float64")
TOO_LARGE = 2.0**128 - 2.0**103  # The least that rounds to infinity in 32 bits.
Values: TypeAlias = tuple[Any, ...]  # Of a column of JSON rows, None where one is missing.
Column: TypeAlias = pa.Array | Values  # What encoding reads: of a table, or of JSON rows.
_STORED = {
    "int64": "int8 int16 int32 int64 uint8 uint16 uint32 uint64",
    "float64": "float16 float32 float64",
    "string": "string large_string string_view",
    "bool": "bool_",
    "timestamp": "date32 date64",
}
_KINDS = {getattr(pa, t)().id: kind for kind, types in _STORED.items() for t in types.split()}
_KINDS[pa.timestamp("us").id] = "timestamp"  # Of any unit and time zone.
_LISTS = {
    made.id for made in (pa.list_(pa.int8()), pa.large_list(pa.int8()), pa.list_(pa.int8(), 1))
}


def kind_of(arrow: pa.DataType) -> str | None:
    """Return the column type of a spec that `arrow` stores, or None: vectors have none."""
    return _KINDS.get(arrow.id)


def words_of(kind: str) -> str:
    """Return what is expected of a column of this type, in words."""
    width = vector_width(kind)
    return WORDS[kind] if width is None else f"a list of {width} numbers"


def column_of(data: pa.Table | pa.RecordBatch, column: str) -> pa.Array:
    """Return the named column in one piece.

    Raises:
        FeatureError: If there is none, or several of that name.
    """
    at = data.schema.get_field_index(column)
    if at < 0:
        times = len(data.schema.get_all_field_indices(column))
        found = f"there {times} times" if times else "missing"
        raise FeatureError(f"column {column!r} is {found}; columns: {', '.join(data.schema.names)}")
    array = data.column(at)
    return array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array


def typed(array: pa.Array, column: str, kind: str) -> pa.Array:
    """Return `array`, decoded if it is a dictionary of anything but text.

    Raises:
        FeatureError: If it is not of `kind`; a float64 may be stored as whole numbers.
    """
    stored = array.type
    if isinstance(array, pa.DictionaryArray):
        stored = stored.value_type
        if kind_of(stored) != "string":
            array = array.dictionary_decode()
    found = _KINDS.get(stored.id) or _lists_of_numbers(stored)
    if found == kind.partition("[")[0] or (kind == "float64" and found == "int64"):
        return array
    raise FeatureError(f"column {column!r} holds {array.type}; {words_of(kind)} is expected")


def _lists_of_numbers(stored: pa.DataType) -> str | None:
    """Return "vector" for lists of numbers, or None."""
    of = stored.value_type if stored.id in _LISTS else None
    return "vector" if of is not None and kind_of(of) in NUMBERS else None


def numbers(columns: Sequence[Column], names: Sequence[str]) -> np.ndarray:
    """Return f32[rows, columns] of one or more columns of numbers, NaN where one is missing.

    All pass through float64 whether or not some are missing, so that a row rounds as its table does.

    Raises:
        FeatureError: Naming row and column of a value that is NaN, infinite or too large.
    """
    if isinstance(columns[0], tuple):
        values = np.array(columns, dtype=np.float64).T
    else:
        values = np.empty((len(columns[0]), len(columns)), dtype=np.float64)
        for at, column in enumerate(cast("Sequence[pa.Array]", columns)):
            values[:, at] = column.to_numpy(zero_copy_only=False)
    fits = np.abs(values) < TOO_LARGE
    # Once for all columns, since a call costs more than a row; only an error looks for its place.
    if np.count_nonzero(fits) != fits.size:
        _require_missing(~fits, values, columns, names)
    result: np.ndarray = values.astype(np.float32, order="C")
    return result


def _require_missing(
    odd: np.ndarray, values: np.ndarray, columns: Sequence[Column], names: Sequence[str]
) -> None:
    """Raise `FeatureError` about the first of the `odd` values that is not missing."""
    wrong = np.argwhere(odd & ~np.column_stack([is_missing(column) for column in columns]))
    if len(wrong):
        row, at = wrong[0]
        raise FeatureError(
            f"row {row}: column {names[at]!r} is {values[row, at]};"
            " a finite 32-bit number is expected, or null where there is no value"
        )


def has_missing(column: Column) -> bool:
    """Return whether a value is missing."""
    return None in column if isinstance(column, tuple) else column.null_count > 0


def is_missing(column: Column) -> np.ndarray:
    """Return bool[rows]."""
    if isinstance(column, tuple):
        return np.array([value is None for value in column], dtype=bool)
    missing: np.ndarray = column.is_null().to_numpy(zero_copy_only=False)
    return missing
