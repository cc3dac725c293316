"""Typed values into the declared types, and only where nothing is lost.

Every function returns the converted values and, for those that would lose something, masks with
the reason. What a whole column's type cannot become is a `NoConversionError`.
"""

from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pt

from mlplatform.ingest.chunk import ARROW, TIMESTAMP, arrow_type
from mlplatform.ingest.vectors import vectors
from mlplatform.spec.section import ColumnType, vector_width

INT64 = np.iinfo(np.int64)
DAY_US = 86_400_000_000
TICKS = {"s": 1_000_000, "ms": 1_000, "us": 1, "ns": 1_000}  # Microseconds, or ticks in one of ns.
FIRST_US, LAST_US = -62_135_596_800_000_000, 253_402_300_799_999_999  # Years 1 to 9999.

Refused = list[tuple[np.ndarray, str]]  # bool[rows] of values not converted, and why.
Converted = tuple[pa.Array, Refused]


class NoConversionError(Exception):
    """No value of this Arrow type is one of the declared type."""


def converted(values: pa.Array, declared: ColumnType) -> Converted:
    """Return `values` in the declared type, and which of them are refused for which reason.

    Raises:
        NoConversionError: If no value of the column's type could be converted.
    """
    plain = _plain(values)
    if pt.is_null(plain.type):
        return pa.nulls(len(plain), arrow_type(declared)), []
    width = vector_width(declared)
    if width:
        found = vectors(plain, width)
        if found is None:
            raise NoConversionError(str(values.type))
        return found
    for accepts, convert in _RULES[declared]:
        if accepts(plain.type):
            return convert(plain)
    raise NoConversionError(str(values.type))


def _plain(values: pa.Array) -> pa.Array:
    if isinstance(values, pa.ExtensionArray):
        values = values.storage
    if pt.is_dictionary(values.type):
        values = values.dictionary_decode()
    return pc.run_end_decode(values) if pt.is_run_end_encoded(values.type) else values


def _mask(condition: pa.Array) -> np.ndarray:
    return np.asarray(condition.fill_null(False))  # noqa: FBT003 - pyarrow's signature.


def _without(values: pa.Array, bad: np.ndarray) -> pa.Array:
    """The values with nulls where `bad`; such rows never become rows."""
    return pc.if_else(pa.array(bad), pa.scalar(None, values.type), values) if bad.any() else values


def _same(kind: ColumnType) -> Callable[[pa.Array], Converted]:
    return lambda values: (values.cast(ARROW[kind]), [])


def _unsigned(values: pa.Array) -> Converted:
    bad = _mask(pc.greater(values.cast(pa.uint64()), pa.scalar(INT64.max, pa.uint64())))
    return _without(values, bad).cast(pa.int64()), [(bad, "above the largest int64")]


def _whole(values: pa.Array) -> Converted:
    """Floats that are whole numbers; nan is missing."""
    values = _floats(values)[0]
    numbers = values.to_numpy(zero_copy_only=False)  # Nulls read as nan.
    with np.errstate(invalid="ignore"):
        inside = (numbers >= -(2.0**63)) & (numbers < 2.0**63) & (np.floor(numbers) == numbers)
    bad = ~inside & ~np.isnan(numbers)
    return _without(values, bad).cast(pa.int64()), [(bad, "not a whole number of int64")]


def _whole_decimals(values: pa.Array) -> Converted:
    try:
        return values.cast(pa.int64()), []
    except pa.ArrowInvalid:
        numbers = values.to_pylist()
    bad = np.array([n is not None and not _is_int64(n) for n in numbers])
    kept = [None if b or n is None else int(n) for n, b in zip(numbers, bad, strict=True)]
    return pa.array(kept, pa.int64()), [(bad, "not a whole number of int64")]


def _is_int64(number: "pa.Decimal128Scalar") -> bool:
    return bool(number == number.to_integral_value() and INT64.min <= number <= INT64.max)


def _floats(values: pa.Array) -> Converted:
    """Any float; nan is missing, infinite stays."""
    wide = values.cast(pa.float64())
    nan = _mask(pc.is_nan(wide))
    return _without(wide, nan), []


def _exact_floats(values: pa.Array) -> Converted:
    """Integers that a float64 holds exactly: all within ±2**53, few beyond."""
    as_floats = values.cast(pa.float64(), safe=False)
    if values.type.bit_width < pa.int64().bit_width:
        return as_floats, []
    back = np.asarray(as_floats.fill_null(0.0))
    whole = np.asarray(values.fill_null(0))
    top = 2.0 ** (63 if pt.is_signed_integer(values.type) else 64)
    inside = back < top  # The largest integers round up to `top`, which no longer fits.
    bad = ~inside | (np.where(inside, back, 0.0).astype(whole.dtype) != whole)
    return _without(as_floats, bad), [(bad, "not exact as float64")]


def _texts(values: pa.Array) -> Converted:
    """Strings, whose bytes Arrow and Parquet do not check."""
    try:
        values.validate(full=True)
        return values.cast(pa.string()), []
    except pa.ArrowInvalid:
        wide = pa.large_binary() if not pt.is_string(values.type) else pa.binary()
        return _decoded(values.cast(wide))


def _decoded(values: pa.Array) -> Converted:
    try:
        return values.cast(pa.string()), []
    except pa.ArrowInvalid:
        texts = [None if raw is None else _utf8(raw) for raw in values.to_pylist()]
    bad = _mask(values.is_valid()) & np.array([text is None for text in texts])
    return pa.array(texts, pa.string()), [(bad, "not UTF-8")]


def _utf8(raw: bytes) -> str | None:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return None


def _flags(values: pa.Array) -> Converted:
    numbers = values.cast(pa.int64(), safe=False)
    bad = _mask(pc.invert(pc.is_in(numbers, pa.array([0, 1, None], pa.int64()))))
    return _without(numbers, bad).cast(pa.bool_()), [(bad, "neither 0 nor 1")]


def _instants(values: pa.Array) -> Converted:
    """Instants of any unit; without a time zone they are UTC."""
    ticks, unit = values.cast(pa.int64()), values.type.unit
    fine = np.zeros(len(values), bool)
    if unit == "ns":
        numbers = np.asarray(ticks.fill_null(0))
        fine = numbers % TICKS["ns"] != 0
        ticks = pa.array(numbers // TICKS["ns"], mask=_mask(values.is_null()))
    micros, refused = _micros(ticks, 1 if unit == "ns" else TICKS[unit])
    return micros, [(fine, "finer than a microsecond"), *refused]


def _days(values: pa.Array) -> Converted:
    """Days begin at midnight UTC."""
    if pt.is_date32(values.type):
        return _micros(values.cast(pa.int32()).cast(pa.int64()), DAY_US)
    return _micros(values.cast(pa.int64()), TICKS["ms"])


def _micros(ticks: pa.Array, each: int) -> Converted:
    numbers = np.asarray(ticks.fill_null(0))
    bad = (numbers < -(-FIRST_US // each)) | (numbers > LAST_US // each)
    micros = np.where(bad, 0, numbers) * each
    null = _mask(ticks.is_null())
    refused = [(bad & ~null, "outside the years 1 to 9999")]
    return pa.array(micros, pa.int64(), mask=null | bad).cast(TIMESTAMP), refused


def _is_text(type_: pa.DataType) -> bool:
    return bool(pt.is_string(type_) or pt.is_large_string(type_) or pt.is_string_view(type_))


def _is_bytes(type_: pa.DataType) -> bool:
    return bool(pt.is_binary(type_) or pt.is_large_binary(type_) or pt.is_binary_view(type_))


_Rule = tuple[Callable[[pa.DataType], bool], Callable[[pa.Array], Converted]]
_RULES: dict[str, list[_Rule]] = {
    "int64": [
        (pt.is_signed_integer, _same("int64")),
        (pt.is_unsigned_integer, _unsigned),
        (pt.is_floating, _whole),
        (pt.is_decimal, _whole_decimals),
        (pt.is_boolean, _same("int64")),
    ],
    "float64": [
        (pt.is_floating, _floats),
        (pt.is_integer, _exact_floats),
        (pt.is_decimal, _same("float64")),  # To the nearest, as their digits in a text are.
    ],
    "string": [(_is_text, _texts), (_is_bytes, _decoded)],
    "bool": [(pt.is_boolean, _same("bool")), (pt.is_integer, _flags)],
    "timestamp": [(pt.is_timestamp, _instants), (pt.is_date, _days)],
}
