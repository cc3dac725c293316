"""Typed batches of any source become rows of the declared columns; what would lose a value is rejected."""

from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa

from mlplatform.errors import SourceError
from mlplatform.ingest.chunk import (
    SHOWN_CHARACTERS,
    Chunk,
    Reject,
    rejected_batch,
    rows_schema,
)
from mlplatform.ingest.convert import NoConversionError, Refused, converted
from mlplatform.spec import PipelineSpec

SHOWN_COLUMNS = 20  # Of a foreign schema in a message.
SHOWN_NAME = 63  # Characters of a foreign column's name, as many as a declared one may have.
_CURES = {
    "string": "cast it where it is made, or declare its true type",
    "timestamp": "store an instant or a date, or declare it as string",
}


def conform(batch: pa.RecordBatch, spec: PipelineSpec, file: str, first_line: int) -> Chunk:
    """Return the declared columns of `batch` in their types, rows that do not convert rejected.

    Columns are found by name in any order; others are left out. Row k is line `first_line` + k of
    `file`. Of a rejected row the first column at fault is told, with its value.

    Raises:
        SourceError: If a column is missing, stands twice, or is of a type that never converts.
    """
    check_columns(batch.schema, spec, file)
    arrays: list[pa.Array] = []
    rejects: dict[int, Reject] = {}
    for name, declared in spec.columns.items():
        column = batch.column(batch.schema.get_field_index(name))
        try:
            values, refused = converted(column, declared)
        except NoConversionError as wrong:
            cure = _CURES.get(declared, "convert it where it is made, or declare its true type")
            message = f"{file}: column {name!r} is {wrong}, declared {declared}; {cure}"
            raise SourceError(message) from None
        arrays.append(values)
        for at, reason in _refused_rows(refused):
            line = first_line + at
            rejects.setdefault(at, Reject(line, reason, _shown(column, at), name))
    return _chunk(arrays, spec, file, first_line, rejects)


def conformed(batches: Iterator[pa.RecordBatch], spec: PipelineSpec, file: str) -> Iterator[Chunk]:
    """Yield a chunk for each batch of one file, its lines counted from 1."""
    line = 1
    for batch in batches:
        yield conform(batch, spec, file, line)
        line += batch.num_rows


def check_columns(schema: pa.Schema, spec: PipelineSpec, where: str) -> None:
    """Raise `SourceError` when a declared column is not there, or not there once."""
    for name in spec.columns:
        times = len(schema.get_all_field_indices(name))
        if times == 0:
            raise SourceError(
                f"{where}: no column {name!r}; it has {_names(schema.names)}; correct `columns`"
            )
        if times > 1:
            raise SourceError(f"{where}: {times} columns are called {name!r}; rename all but one")


def undeclared(schema: pa.Schema, spec: PipelineSpec) -> list[str]:
    """Return the names of columns that are left out, as they may be shown."""
    extra = sorted({name for name in schema.names if name not in spec.columns})
    return [_name(name) for name in extra[:SHOWN_COLUMNS]]


def _refused_rows(refused: Refused) -> Iterator[tuple[int, str]]:
    for mask, reason in refused:
        yield from ((int(at), reason) for at in np.flatnonzero(mask))


def _chunk(
    arrays: list[pa.Array],
    spec: PipelineSpec,
    file: str,
    first_line: int,
    rejects: dict[int, Reject],
) -> Chunk:
    count = len(arrays[0])
    lines = pa.array(np.arange(first_line, first_line + count, dtype=np.int64))
    origin = [pa.repeat(pa.scalar(file, pa.string()), count), lines]
    rows = pa.RecordBatch.from_arrays([*arrays, *origin], schema=rows_schema(spec))
    if not rejects:
        return Chunk(rows=rows, rejected=rejected_batch(file, []))
    good = np.ones(count, bool)
    good[list(rejects)] = False
    return Chunk(rows.filter(pa.array(good)), rejected_batch(file, list(rejects.values())))


def _shown(column: pa.Array, at: int) -> str:
    """The beginning of one value, whatever it is: it was refused, so it may not even print."""
    value = column[at]
    try:
        shown = value.as_py()
    except (ValueError, OverflowError, pa.ArrowException):  # No UTF-8, or no year of ours.
        raw = value.as_buffer() if hasattr(value, "as_buffer") else None
        shown = value.value if raw is None else bytes(raw[:SHOWN_CHARACTERS])
    if isinstance(shown, bytes):
        shown = shown[:SHOWN_CHARACTERS].decode("utf-8", "backslashreplace")
    return str(shown)[:SHOWN_CHARACTERS]


def _names(names: Sequence[str]) -> str:
    more = f" and {len(names) - SHOWN_COLUMNS} more" if len(names) > SHOWN_COLUMNS else ""
    return ", ".join(map(_name, names[:SHOWN_COLUMNS])) + more if names else "none"


def _name(name: str) -> str:
    """A foreign name on one line: it may hold anything."""
    shown = name[:SHOWN_NAME] + ("…" if len(name) > SHOWN_NAME else "")
    return shown if shown.isprintable() else repr(shown)[1:-1]
