"""JSON rows to an Arrow batch, so that one row meets the same `encode` as a table."""

import reprlib
from collections.abc import Mapping, Sequence
from functools import lru_cache
from numbers import Integral, Real
from typing import Any

import pyarrow as pa

from mlplatform.errors import FeatureError
from mlplatform.features.columns import WORDS

ARROW = {"int64": pa.int64(), "float64": pa.float64(), "string": pa.string(), "bool": pa.bool_()}
_PLAIN: dict[
    str, set[type]
] = {  # What a parser makes of JSON; any other type is looked at value by value.
    "int64": {int, type(None)},
    "float64": {float, type(None)},
    "string": {str, type(None)},
    "bool": {bool, type(None)},
}
_OWN: dict[str, type] = {"string": str, "bool": bool}  # Taken only as what they are.


def batch(rows: Sequence[Mapping[str, Any]], columns: Mapping[str, str]) -> pa.RecordBatch:
    """Return `rows` as one batch with `columns` (name to type); null is a missing value.

    Raises:
        FeatureError: Naming row (counted from 0) and column of the first value, name or row that
            does not fit.
    """
    for index, row in enumerate(rows):
        if not isinstance(row, Mapping) or row.keys() != columns.keys():
            raise FeatureError(f"row {index}: {_misfit(row, columns)}")
    for name, kind in columns.items():
        if not {type(row[name]) for row in rows} <= _PLAIN[kind]:
            rows = _converted(rows, name, kind)
    try:
        # One conversion for all columns: for a single row it takes a third of the time of one a
        # column.
        return pa.RecordBatch.from_struct_array(
            pa.array(rows, type=_struct(tuple(columns.items())))
        )
    except (pa.ArrowException, OverflowError, ValueError):
        raise _culprit(rows, columns) from None


@lru_cache(maxsize=64)
def _struct(columns: tuple[tuple[str, str], ...]) -> pa.StructType:
    return pa.struct([(name, ARROW[kind]) for name, kind in columns])


def _misfit(row: Any, columns: Mapping[str, str]) -> str:
    if not isinstance(row, Mapping):
        return f"an object of named columns is expected, got {type(row).__name__}"
    missing = [name for name in columns if name not in row]
    if missing:
        return f"column {missing[0]!r} is missing; send null where there is no value"
    unknown = next(name for name in row if name not in columns)
    return f"unknown column {reprlib.repr(unknown)}; columns: {', '.join(columns)}"


def _converted(rows: Sequence[Mapping[str, Any]], name: str, kind: str) -> list[Mapping[str, Any]]:
    """Return `rows` with plain values in one column: 40.0 is whole, 40 a number, "40" neither."""
    return [{**row, name: _plain(row[name], name, kind, index)} for index, row in enumerate(rows)]


def _plain(value: Any, name: str, kind: str, index: int) -> Any:
    if value is None or (kind in _OWN and isinstance(value, _OWN[kind])):
        return value
    if kind not in _OWN and isinstance(value, Real) and not isinstance(value, bool):
        if kind == "float64":
            return _float(value)
        if isinstance(value, Integral):
            return int(value)
        if float(value).is_integer():
            return int(float(value))
    raise _wrong(name, kind, index, value)


def _float(value: Real) -> float:
    try:
        return float(value)
    except OverflowError:
        return float("inf")  # Encoding refuses it by row and column.


def _culprit(rows: Sequence[Mapping[str, Any]], columns: Mapping[str, str]) -> FeatureError:
    """Return the error of the first value Arrow cannot hold: no Unicode, or past 64 bits."""
    for index, row in enumerate(rows):
        for name, kind in columns.items():
            try:
                pa.array([row[name]], type=ARROW[kind])
            except (pa.ArrowException, OverflowError, ValueError):
                return _wrong(name, kind, index, row[name])
    return FeatureError("the rows together exceed what one batch can hold; send fewer at once")


def _wrong(name: str, kind: str, row: int, value: Any) -> FeatureError:
    got = f"the text {reprlib.repr(value)}" if isinstance(value, str) else reprlib.repr(value)
    return FeatureError(f"row {row}: column {name!r}: {WORDS[kind]} is expected, got {got}")
