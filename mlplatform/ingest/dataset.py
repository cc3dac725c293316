"""From landed text to typed rows with an identity each. Nothing is coerced in silence."""

import hashlib

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mlplatform.errors import SourceError
from mlplatform.spec import Pipeline

ORIGIN = ("source_file", "source_line")  # Where a row was read; not part of its content.
INTEGER = r"^-?[0-9]+$"  # Arrow alone would also take 0x1A.
FLOAT = r"^-?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$"  # Neither nan nor inf.
INT64 = np.iinfo(np.int64)
INT64_CHARACTERS = len(str(INT64.min))
SHOWN_CHARACTERS = 60  # Of a bad value, so that a message stays one line.


def typed(pipeline: Pipeline, raw: pa.Table) -> pa.Table:
    """Return row_id (int64), the declared columns in their types, source_file and source_line.

    `row_id` is the first 8 bytes of sha256("source_file:source_line"). The label loses the
    characters of `label.strip` at its end. Nulls stay null. Rows keep their order.

    Raises:
        SourceError: Naming file, line, column and value of the first value that is not of its
            declared type.
    """
    spec = pipeline.spec
    columns = {"row_id": row_ids(raw)}
    for name, declared in spec.columns.items():
        strings = _landed(raw, name, pipeline)
        if name == spec.label.column and spec.label.strip:
            strings = pc.utf8_rtrim(strings, characters=spec.label.strip)
        columns[name] = _parsed(strings, name, declared, raw)
    return pa.table(columns | {name: raw[name] for name in ORIGIN})


def row_ids(raw: pa.Table) -> pa.Array:
    """Return an int64 per row, from `source_file` and `source_line` alone: stable over versions."""
    origins = zip(raw["source_file"].to_pylist(), raw["source_line"].to_pylist(), strict=True)
    digests = b"".join(
        hashlib.sha256(f"{file}:{line}".encode()).digest()[:8] for file, line in origins
    )
    return pa.array(np.frombuffer(digests, ">i8").astype(np.int64))


def _landed(raw: pa.Table, name: str, pipeline: Pipeline) -> pa.ChunkedArray:
    if name not in raw.column_names:
        raise SourceError(f"{pipeline.table('source')}: no column {name!r}; land the source again")
    return raw[name].cast(pa.string())


def _parsed(strings: pa.ChunkedArray, name: str, declared: str, raw: pa.Table) -> pa.ChunkedArray:
    if declared == "string":
        return strings
    integer = declared == "int64"
    well_formed = pc.match_substring_regex(strings, INTEGER if integer else FLOAT)
    numbers = _cast(pc.if_else(well_formed, strings, None), integer=integer)
    bad = pc.and_(pc.is_valid(strings), pc.is_null(numbers))
    if pc.any(bad).as_py():
        raise SourceError(
            _no_number(strings, name, declared, raw, pc.index(bad, value=True).as_py())
        )
    return numbers


def _cast(strings: pa.ChunkedArray, *, integer: bool) -> pa.ChunkedArray:
    """Numbers, null where a well-formed one is out of range."""
    if not integer:
        numbers = strings.cast(pa.float64())
        return pc.if_else(pc.is_finite(numbers), numbers, None)
    try:
        return strings.cast(pa.int64())
    except pa.ArrowInvalid:
        return pa.chunked_array([pa.array(map(_int64, strings.to_pylist()), pa.int64())])


def _int64(text: str | None) -> int | None:
    if text is None or len(text) > INT64_CHARACTERS:
        return None
    number = int(text)
    return number if INT64.min <= number <= INT64.max else None


def _no_number(strings: pa.ChunkedArray, name: str, declared: str, raw: pa.Table, row: int) -> str:
    file, line = raw["source_file"][row].as_py(), raw["source_line"][row].as_py()
    value = strings[row].as_py()
    shown = repr(value[:SHOWN_CHARACTERS]) + ("…" if len(value) > SHOWN_CHARACTERS else "")
    if value == name:
        return f"{file}:{line}: {name}: the file has a header; set source.header to true"
    return (
        f"{file}:{line}: {name}: {shown} is no {declared}; "
        f"correct it, add it to source.missing or declare {name} as string"
    )
