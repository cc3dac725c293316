"""JSON values become values of the declared types, strictly; none is turned into another type.

A number is int64 or float64, a string is string or (ISO 8601) timestamp, true and false are bool, an
array of numbers is a vector.
For int64 a number may be written 1.0 or 1e3, as long as it is whole.
"""

import json
import math
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mlplatform.ingest.chunk import ARROW
from mlplatform.ingest.values import INT64, parsed, reason, shortened, stripped
from mlplatform.ingest.vectors import vectors
from mlplatform.spec import PipelineSpec
from mlplatform.spec.section import vector_width

WRITTEN = ARROW | {"timestamp": pa.string()}  # What JSON holds for each type.
TYPES: dict[str, set[type]] = {
    "int64": {int, type(None)},
    "float64": {int, float, type(None)},
    "string": {str, type(None)},
    "bool": {bool, type(None)},
    "timestamp": {str, type(None)},
}
DOUBLES = pa.list_(pa.float64())
NAMES: dict[type, str] = {dict: "an object", list: "an array"}


class _RefusedError(Exception):
    """A value that is not of its declared type; the message says why."""


def typed_column(
    values: Sequence[Any], kind: str, name: str, raws: Sequence[bytes], spec: PipelineSpec
) -> tuple[pa.Array, dict[int, str]]:
    """Return one column in its declared type, null where it has no value; and reasons by row.

    `raws` are the lines that the values stand in. The label loses `label.strip` at its end.
    """
    width = vector_width(kind)
    if width:
        return _vectors(values, width)
    written, blamed = _quick(values, kind), dict[int, str]()
    if written is None:
        written, blamed = _careful(values, kind, name, raws)
    if WRITTEN[kind] != pa.string():
        return written, blamed
    texts = stripped(written, name, spec)
    typed = parsed(texts, kind)
    for row in np.flatnonzero(np.asarray(pc.and_(pc.is_null(typed), pc.is_valid(texts)))).tolist():
        blamed[row] = reason(texts[row].as_py(), kind)
    return typed, blamed


def _vectors(values: Sequence[Any], width: int) -> tuple[pa.Array, dict[int, str]]:
    lists, blamed = list(values), dict[int, str]()
    for row, value in enumerate(values):
        if value is None or (isinstance(value, list) and set(map(type, value)) <= TYPES["float64"]):
            continue
        no_list = f"{_named(value)} is no vector[{width}]"
        blamed[row] = "a value in it is no number" if isinstance(value, list) else no_list
        lists[row] = None
    try:
        numbers = pa.array(lists, DOUBLES)
    except pa.ArrowInvalid:  # Integers that no double is.
        numbers = pa.array([each and list(map(_nearest, each)) for each in lists], DOUBLES)
    found = vectors(numbers, width)
    assert found is not None  # noqa: S101 - these are lists of numbers.
    for mask, why in found[1]:
        for row in np.flatnonzero(mask).tolist():
            blamed.setdefault(row, why)
    return found[0], blamed


def _nearest(number: float | None) -> float | None:
    try:
        return None if number is None else float(number)
    except OverflowError:
        return math.inf


def _quick(values: Sequence[Any], kind: str) -> pa.Array | None:
    """All values at once; None where any needs a look of its own."""
    if not set(map(type, values)) <= TYPES[kind]:
        return None
    try:
        written = pa.array(values, WRITTEN[kind])
    except (pa.ArrowInvalid, OverflowError, UnicodeEncodeError):
        return None
    return written if _is_plain(written) else None


def _is_plain(written: pa.Array) -> bool:
    """Whether all numbers are finite, and no text has a NUL."""
    if pa.types.is_floating(written.type):
        return bool(pc.all(pc.is_finite(written), min_count=0).as_py())
    if pa.types.is_string(written.type):
        content = written.buffers()[2]
        return content is None or bool(np.frombuffer(content, np.uint8).all())
    return True


def _careful(
    values: Sequence[Any], kind: str, name: str, raws: Sequence[bytes]
) -> tuple[pa.Array, dict[int, str]]:
    """One value at a time."""
    found, blamed = [], {}
    for row, value in enumerate(values):
        try:
            found.append(_faithful(value, kind, name, raws[row]))
        except _RefusedError as wrong:
            found.append(None)
            blamed[row] = str(wrong)
    return pa.array(found, WRITTEN[kind]), blamed


def _faithful(value: Any, kind: str, name: str, raw: bytes) -> Any:
    if value is None:
        return None
    if isinstance(value, float) and kind in ("int64", "float64"):
        literal = _literal(raw, name)
        return _whole(value, literal) if kind == "int64" else _finite(value, literal)
    if type(value) not in TYPES[kind]:
        raise _RefusedError(f"{_named(value)} is no {kind}")
    if isinstance(value, str):
        return _text(value)
    if type(value) is int:
        return _integer(value, kind)
    return value


def _named(value: Any) -> str:
    return NAMES.get(type(value)) or shortened(json.dumps(value))


def _literal(raw: bytes, name: str) -> str:
    """The number as the line writes it."""
    return str(json.loads(raw, parse_float=str)[name])


def _finite(value: float, literal: str) -> float:
    if not math.isfinite(value):
        raise _RefusedError(f"the number {shortened(literal)} is not finite")
    return value


def _whole(value: float, literal: str) -> int:
    _finite(value, literal)
    try:
        exact = Decimal(literal)
        if INT64.min <= exact <= INT64.max and exact == exact.to_integral_value():
            return int(exact)
    except ArithmeticError:  # An exponent beyond any decimal's: 1e-99999999999999999999.
        pass
    raise _RefusedError(f"{shortened(literal)} is no int64")


def _integer(value: int, kind: str) -> int | float:
    if kind == "int64" and not INT64.min <= value <= INT64.max:
        raise _RefusedError(f"{shortened(str(value))} is no int64")
    if kind == "int64":
        return value
    try:
        return float(value)
    except OverflowError:
        raise _RefusedError(f"the number {shortened(str(value))} is not finite") from None


def _text(value: str) -> str:
    if "\0" in value:
        raise _RefusedError("a NUL character")
    if any("\ud800" <= character <= "\udfff" for character in value):
        raise _RefusedError("half of a surrogate pair is no character")
    return value
