"""JSON rows to columns of Python values, each checked against its column's type.

They are not made into Arrow, as encoding could read too: for one row, making and reading its arrays
would take longer than all else.
"""

import reprlib
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from numbers import Integral, Real
from operator import itemgetter
from typing import Any

from mlplatform.errors import FeatureError
from mlplatform.features.columns import Values, words_of
from mlplatform.features.instants import microseconds_of

_LIKE = {"timestamp": "a time like 2013-10-01T09:00:00Z"}  # In place of the words of a column.
_LEAST, _MOST = -(2**63), 2**63 - 1
Row = Mapping[str, Any]


class Rows:
    """JSON rows with the columns of an encoder.

    Args:
        columns: Name and type, in the order in which they are returned.
    """

    def __init__(self, columns: Mapping[str, str]) -> None:
        self._columns, self._names = dict(columns), columns.keys()
        self._values: Callable[[Row], Values] = itemgetter(*columns)
        if len(columns) == 1:  # Of one name, itemgetter makes no tuple.
            self._values = lambda row: tuple(row.values())
        kinds = [kind.partition("[")[0] for kind in columns.values()]
        self._taken = [_TAKEN.get(kind, _is_none) for kind in kinds]

    def columns(self, rows: Sequence[Row]) -> list[Values]:
        """Return `rows` as columns of Python values: of timestamps microseconds since 1970, in UTC.

        Raises:
            FeatureError: Naming row (counted from 0) and column of the first value, name or row
                that does not fit.
        """
        for index, row in enumerate(rows):
            if not isinstance(row, Mapping) or row.keys() != self._names:
                raise FeatureError(f"row {index}: {_misfit(row, self._columns)}")
        columns: list[Values] = list(zip(*map(self._values, rows), strict=True))
        columns = columns or [()] * len(self._names)
        every = enumerate(zip(self._taken, columns, strict=True))
        # In one comprehension, as calls for each column would take one row twice the time.
        odd = {at: None for at, (taken, column) in every for value in column if not taken(value)}
        for at in odd:
            columns[at] = self._read(at, columns[at])
        return columns

    def _read(self, at: int, column: Sequence[Any]) -> Values:
        """Return a column's values as they are meant: 40.0 is whole, 40 a number, "40" neither."""
        name, kind = list(self._columns.items())[at]
        return tuple(_read(value, name, kind, row) for row, value in enumerate(column))


def _misfit(row: Any, columns: Mapping[str, str]) -> str:
    if not isinstance(row, Mapping):
        return f"an object of named columns is expected, got {type(row).__name__}"
    missing = [name for name in columns if name not in row]
    if missing:
        return f"column {missing[0]!r} is missing; send null where there is no value"
    unknown = next(name for name in row if name not in columns)
    return f"unknown column {reprlib.repr(unknown)}; columns: {', '.join(columns)}"


def _read(value: Any, name: str, kind: str, row: int) -> Any:
    if value is None:
        return None
    read = _READ[kind.partition("[")[0]](value)
    if read is None:
        raise _wrong(name, kind, row, value)
    return read


def _whole(value: Any) -> int | None:
    if isinstance(value, Integral) and not isinstance(value, bool):
        found = int(value)
    else:
        number = _float(value)
        found = int(number) if number is not None and number.is_integer() else _MOST + 1
    return found if _LEAST <= found <= _MOST else None


def _float(value: Any) -> float | None:
    if not isinstance(value, Real) or isinstance(value, bool):
        return None
    try:
        return float(value)
    except OverflowError:
        return float("inf")  # Encoding refuses it by row and column.


def _text(value: Any) -> str | None:
    """Return text that has a UTF-8 form: JSON may hold half of a surrogate pair, which has none."""
    if not isinstance(value, str):
        return None
    try:
        value.encode()
    except UnicodeEncodeError:
        return None
    return str(value)


def _bool(value: Any) -> bool | None:
    return value if isinstance(value, bool) else None


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


# What most values are, told fast; any other is read with care.
def _is_whole(value: Any) -> bool:
    return value is None or (type(value) is int and _LEAST <= value <= _MOST)


def _is_float(value: Any) -> bool:
    return value is None or type(value) is float


def _is_ascii(value: Any) -> bool:
    return value is None or (type(value) is str and value.isascii())


def _is_bool(value: Any) -> bool:
    return value is None or type(value) is bool


def _is_none(value: Any) -> bool:
    return value is None


_TAKEN: dict[str, Callable[[Any], bool]] = {
    "int64": _is_whole,
    "float64": _is_float,
    "string": _is_ascii,
    "bool": _is_bool,
}


def _wrong(name: str, kind: str, row: int, value: Any) -> FeatureError:
    got = f"the text {reprlib.repr(value)}" if isinstance(value, str) else reprlib.repr(value)
    expected = _LIKE.get(kind) or words_of(kind)
    return FeatureError(f"row {row}: column {name!r}: {expected} is expected, got {got}")
