"""Text becomes values of the declared types; what is not of its type is named, never coerced.

int64 and float64 are decimal digits (no blanks, no hexadecimal, no nan, no infinity), bool is
true/false in any case or 1/0, timestamps are ISO 8601 in microseconds, UTC where no offset stands.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mlplatform.ingest.chunk import TIMESTAMP
from mlplatform.spec import PipelineSpec

INTEGER = r"^-?[0-9]+$"  # Arrow alone would also take 0x1A.
FLOAT = r"^-?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$"  # Neither +1 nor nan nor inf.
# Of texts made of these alone, Arrow takes exactly the ones that match the patterns above.
INTEGER_BYTES = np.isin(np.arange(256), np.frombuffer(b"-0123456789", np.uint8))
FLOAT_BYTES = np.isin(np.arange(256), np.frombuffer(b"-.0123456789eE", np.uint8))
ZERO_FRACTION = r"(\.[0-9]{6})0+([Z+-].*)?$"  # Nanoseconds that say no more than microseconds.
ZONED = r"[T ].*[Z+-]"  # A time of day, then Z or a sign.
INT64 = np.iinfo(np.int64)
INT64_DIGITS = len(str(INT64.max))
YEAR_1, YEAR_9999 = -62_135_596_800_000_000, 253_402_300_799_999_999  # What a datetime holds.
SHOWN_CHARACTERS = 60  # Of a bad value, so that a reason stays one line.


@dataclass(frozen=True)
class Typed:
    """Columns in their declared types, null where blamed; and the rows to blame, by position."""

    columns: list[pa.Array]
    blamed: dict[int, tuple[str, str]]  # Row: (column, reason), of its first bad column.


def typed_columns(strings: Sequence[pa.Array], spec: PipelineSpec) -> Typed:
    """Return string columns, one per declared column in their order, as their declared types.

    The label loses the characters of `label.strip` at its end. Nulls stay null.
    """
    columns, blamed = [], dict[int, tuple[str, str]]()
    for (name, kind), texts in zip(spec.columns.items(), strings, strict=True):
        values = parsed(stripped(texts, name, spec), kind)
        columns.append(values)
        if values.null_count > texts.null_count:
            bad = pc.and_(pc.is_null(values), pc.is_valid(texts))
            for row in np.flatnonzero(np.asarray(bad)).tolist():
                blamed.setdefault(row, (name, reason(texts[row].as_py(), kind)))
    return Typed(columns, blamed)


def stripped(texts: pa.Array, name: str, spec: PipelineSpec) -> pa.Array:
    """Return `texts` without the characters of `label.strip` at their end, if this is the label.

    What is no text any more has lost them when it was read.
    """
    if name == spec.label.column and spec.label.strip and pa.types.is_string(texts.type):
        return pc.utf8_rtrim(texts, characters=spec.label.strip)
    return texts


def parsed(texts: pa.Array, kind: str) -> pa.Array:
    """Return the values that `texts` (string) write, in the Arrow type of `kind`; null is none."""
    if kind == "string":
        return texts
    try:
        return QUICK[kind](texts)
    except pa.ArrowInvalid:
        return CAREFUL[kind](texts)


def reason(text: str, kind: str) -> str:
    """Say why `text` has no value of `kind`."""
    if kind == "float64" and pc.match_substring_regex(text, FLOAT).as_py():
        return f"the number {shortened(text)} is not finite"
    return f"{shortened(repr(text))} is no {kind}"


def shortened(text: str) -> str:
    """Return the beginning of `text`, so that a reason stays one line."""
    return text if len(text) <= SHOWN_CHARACTERS else text[:SHOWN_CHARACTERS] + "…"


def _quick_integers(texts: pa.Array) -> pa.Array:
    return _made_of(texts, INTEGER_BYTES).cast(pa.int64())


def _quick_floats(texts: pa.Array) -> pa.Array:
    return _finite(_made_of(texts, FLOAT_BYTES).cast(pa.float64()))


def _made_of(texts: pa.Array, allowed: np.ndarray) -> pa.Array:
    """Return `texts`.

    Raises:
        ArrowInvalid: If a byte of them is not `allowed`.
    """
    _, offsets, content = texts.buffers()
    if content is None or not len(texts):
        return texts
    bounds = np.frombuffer(offsets, np.int32)[texts.offset : texts.offset + len(texts) + 1]
    written = np.frombuffer(content, np.uint8)[bounds[0] : bounds[-1]]
    if not allowed[written].all():
        raise pa.ArrowInvalid("other characters")
    return texts


def _careful_integers(texts: pa.Array) -> pa.Array:
    well_formed = _matching(texts, INTEGER)
    try:
        return well_formed.cast(pa.int64())
    except pa.ArrowInvalid:
        return pa.array(map(_int64, well_formed.to_pylist()), pa.int64())


def _int64(text: str | None) -> int | None:
    if text is None or len(text.lstrip("-").lstrip("0")) > INT64_DIGITS:
        return None
    number = int(text.lstrip("-").lstrip("0") or "0") * (-1 if text[0] == "-" else 1)
    return number if INT64.min <= number <= INT64.max else None


def _careful_floats(texts: pa.Array) -> pa.Array:
    return _finite(_matching(texts, FLOAT).cast(pa.float64()))


def _finite(numbers: pa.Array) -> pa.Array:
    finite = pc.is_finite(numbers)
    return numbers if pc.all(finite).as_py() else pc.if_else(finite, numbers, None)


def _matching(texts: pa.Array, pattern: str) -> pa.Array:
    return pc.if_else(pc.match_substring_regex(texts, pattern), texts, None)


def _bools(texts: pa.Array) -> pa.Array:
    lowered = pc.ascii_lower(texts)
    yes = pc.is_in(lowered, pa.array(["true", "1"]))
    known = pc.or_(yes, pc.is_in(lowered, pa.array(["false", "0"])))
    return pc.if_else(known, yes, None)


def _quick_timestamps(texts: pa.Array) -> pa.Array:
    """Every text with an offset, or every text without: Arrow's parser takes one or the other."""
    try:
        return _datable(texts.cast(pa.timestamp("us")).cast(TIMESTAMP))
    except pa.ArrowInvalid:
        return _datable(texts.cast(TIMESTAMP))


def _careful_timestamps(texts: pa.Array) -> pa.Array:
    texts = pc.replace_substring_regex(texts, ZERO_FRACTION, r"\1\2")
    zoned = pc.match_substring_regex(texts, ZONED)
    with_offset = _instants(pc.if_else(zoned, texts, None), TIMESTAMP)
    without = _instants(pc.if_else(zoned, None, texts), pa.timestamp("us"))
    return _datable(pc.coalesce(with_offset, without.cast(TIMESTAMP)))


def _instants(texts: pa.Array, kind: pa.DataType) -> pa.Array:
    """Cast `texts`, one by one over their distinct values where some do not parse."""
    try:
        return texts.cast(kind)
    except pa.ArrowInvalid:
        encoded = texts.dictionary_encode()
        parts = [_instant(value, kind) for value in encoded.dictionary]
        return pa.concat_arrays(parts).take(encoded.indices)


def _instant(text: pa.StringScalar, kind: pa.DataType) -> pa.Array:
    try:
        return pa.array([text.cast(kind)], kind)
    except pa.ArrowInvalid:
        return pa.nulls(1, kind)


def _datable(instants: pa.Array) -> pa.Array:
    """Null where the year is not in 1..9999."""
    numbers = instants.cast(pa.int64())
    least_most = pc.min_max(numbers)
    least, most = least_most["min"].as_py(), least_most["max"].as_py()
    if least is None or (least >= YEAR_1 and most <= YEAR_9999):
        return instants
    known = pc.and_(pc.greater_equal(numbers, YEAR_1), pc.less_equal(numbers, YEAR_9999))
    return pc.if_else(known, instants, None)


Parser = Callable[[pa.Array], pa.Array]
QUICK: dict[str, Parser] = {
    "int64": _quick_integers,
    "float64": _quick_floats,
    "bool": _bools,
    "timestamp": _quick_timestamps,
}
CAREFUL: dict[str, Parser] = {
    "int64": _careful_integers,
    "float64": _careful_floats,
    "bool": _bools,
    "timestamp": _careful_timestamps,
}
