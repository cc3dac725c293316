"""JSON rows to Arrow columns, so that one row meets the same `encode` as a table."""

import reprlib
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from numbers import Integral, Real
from typing import Any

import pyarrow as pa

from mlplatform.errors import FeatureError
from mlplatform.features.columns import words_of
from mlplatform.features.instants import FIRST, LAST, microseconds_of

_ARROW = {
    "int64": pa.int64(),
    "float64": pa.float64(),
    "string": pa.string(),
    "bool": pa.bool_(),
    "timestamp": pa.timestamp("us", tz="UTC"),
}
_VECTOR = pa.list_(pa.float64())  # Of any width, which encoding checks.
_NONE = type(None)
# What a parser makes of JSON and Arrow takes as it is; any other type is looked at value by value.
_PLAIN: dict[str, set[type]] = {
    "int64": {int, _NONE},
    "float64": {float, _NONE},
    "string": {str, _NONE},
    "bool": {bool, _NONE},
}
_OWN: dict[str, type] = {"string": str, "bool": bool}  # Taken only as what they are.
_LIKE = {"timestamp": "a time like 2013-10-01T09:00:00Z"}  # In place of the words of a column.


class Rows:
    """JSON rows with the columns of an encoder.

    Args:
        columns: Name and type, in the order in which they are returned.
    """

    def __init__(self, columns: Mapping[str, str]) -> None:
        self._columns, self._names = dict(columns), columns.keys()
        self._plain = [(name, _PLAIN.get(kind, {_NONE})) for name, kind in columns.items()]
        self._struct = pa.struct([(name, arrow_of(kind)) for name, kind in columns.items()])

    def arrays(self, rows: Sequence[Mapping[str, Any]]) -> list[pa.Array]:
        """Return `rows` as arrays; null is a missing value.

        Raises:
            FeatureError: Naming row (counted from 0) and column of the first value, name or row
                that does not fit.
        """
        for index, row in enumerate(rows):
            if not isinstance(row, Mapping) or row.keys() != self._names:
                raise FeatureError(f"row {index}: {_misfit(row, self._columns)}")
        plain = self._plain
        odd = {n: None for row in rows for n, types in plain if type(row[n]) not in types}
        for name in odd:
            rows = _converted(rows, name, self._columns[name])
        try:
            # One conversion for all columns, as it takes a single row a third of the time of one a
            # column; and of tuples, in which Arrow looks for no names.
            values = [tuple([row[name] for name in self._names]) for row in rows]
            arrays: list[pa.Array] = pa.array(values, type=self._struct).flatten()
        except (pa.ArrowException, OverflowError, ValueError):
            raise _culprit(rows, self._columns) from None
        return arrays


def arrow_of(kind: str) -> pa.DataType:
    """Return how values of a column type come out of JSON rows."""
    return _ARROW.get(kind, _VECTOR)


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
    if value is None:
        return None
    read = _READ[kind.partition("[")[0]](value)
    if read is None:
        raise _wrong(name, kind, index, value)
    if kind == "timestamp" and not FIRST <= read <= LAST:
        raise FeatureError(f"row {index}: column {name!r} is a time outside years 1 to 9999")
    return read


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _bool(value: Any) -> bool | None:
    return value if isinstance(value, bool) else None


def _whole(value: Any) -> int | None:
    if isinstance(value, Integral) and not isinstance(value, bool):
        return int(value)
    found = _float(value)
    return int(found) if found is not None and found.is_integer() else None


def _float(value: Any) -> float | None:
    if not isinstance(value, Real) or isinstance(value, bool):
        return None
    try:
        return float(value)
    except OverflowError:
        return float("inf")  # Encoding refuses it by row and column.


def _instant(value: Any) -> int | None:
    """Return microseconds since 1970 of ISO 8601 text; without an offset it is UTC."""
    try:
        return microseconds_of(
            value if isinstance(value, datetime) else datetime.fromisoformat(value)
        )
    except (TypeError, ValueError):
        return None


def _vector(value: Any) -> list[float] | None:
    if not isinstance(value, list | tuple):
        return None
    if {*map(type, value)} <= {float}:
        return list(value)
    read = [_float(each) for each in value]
    return None if None in read else read  # type: ignore[return-value] # Said by the same line.


_READ: dict[str, Callable[[Any], Any]] = {
    "int64": _whole,
    "float64": _float,
    "string": _text,
    "bool": _bool,
    "timestamp": _instant,
    "vector": _vector,
}


def _culprit(rows: Sequence[Mapping[str, Any]], columns: Mapping[str, str]) -> FeatureError:
    """Return the error of the first value Arrow cannot hold: no Unicode, or past 64 bits."""
    for index, row in enumerate(rows):
        for name, kind in columns.items():
            try:
                pa.array([row[name]], type=arrow_of(kind))
            except (pa.ArrowException, OverflowError, ValueError):
                return _wrong(name, kind, index, row[name])
    return FeatureError("the rows together exceed what one batch can hold; send fewer at once")


def _wrong(name: str, kind: str, row: int, value: Any) -> FeatureError:
    got = f"the text {reprlib.repr(value)}" if isinstance(value, str) else reprlib.repr(value)
    expected = _LIKE.get(kind) or words_of(kind)
    return FeatureError(f"row {row}: column {name!r}: {expected} is expected, got {got}")
