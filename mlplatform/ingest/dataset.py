"""From landed rows to `dataset`: each with an identity, and of upserted rows the newest."""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mlplatform.errors import SourceError
from mlplatform.ingest.chunk import ORIGIN, rows_schema
from mlplatform.ingest.hashing import hashes_by
from mlplatform.ingest.upsert import kept, newest
from mlplatform.ingest.values import stripped
from mlplatform.spec import Pipeline, PipelineSpec

if TYPE_CHECKING:
    from mlplatform.lake import Lake, Version

ROW_ID = "row_id"
INTEGER = r"^-?[0-9]+$"  # Arrow alone would also take 0x1A.
FLOAT = r"^-?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$"  # Neither nan nor inf.
INT64 = np.iinfo(np.int64)
INT64_CHARACTERS = len(str(INT64.min))
SHOWN_CHARACTERS = 60  # Of a bad value, so that a message stays one line.


def rows(pipeline: Pipeline, lake: "Lake", source: "Version") -> pa.RecordBatchReader:
    """Return the rows of a `source` version with `row_id`, in written order, in constant memory.

    `row_id` (int64) is a hash of the key, or of file and line where no key is declared or a row
    lacks a part of it. The label has lost the characters of `label.strip` at its end. With
    `source.load: upsert` the last landed row of a key is the only one; that takes memory by
    distinct key.

    Raises:
        SourceError: While it is read, if the version holds other columns than the spec declares.
    """
    spec = pipeline.spec
    return pa.RecordBatchReader.from_batches(dataset_schema(spec), _rows(spec, lake, source))


def dataset_schema(spec: PipelineSpec) -> pa.Schema:
    """Return row_id, the declared columns in their types, source_file and source_line."""
    return rows_schema(spec).insert(0, pa.field(ROW_ID, pa.int64()))


def row_ids(batch: pa.RecordBatch, spec: PipelineSpec) -> np.ndarray:
    """Return an int64 per row, the same however often and in whatever order it lands."""
    identities = [spec.key, ORIGIN] if spec.key else [ORIGIN]
    return hashes_by(batch, identities).view(np.int64)


def _rows(spec: PipelineSpec, lake: "Lake", source: "Version") -> Iterator[pa.RecordBatch]:
    table = lake.table(source.table)
    batches: Iterable[pa.RecordBatch] = table.batches(source)
    if spec.source.load == "upsert":
        batches = kept(batches, newest(table.batches(source, columns=spec.key), spec.key))
    landed, schema = rows_schema(spec), dataset_schema(spec)
    for batch in batches:
        _check(batch.schema, landed, source.table)
        columns = (stripped(batch.column(name), name, spec) for name in landed.names)
        arrays = [pa.array(row_ids(batch, spec)), *columns]
        yield pa.RecordBatch.from_arrays(arrays, schema=schema)


def _check(found: pa.Schema, expected: pa.Schema, table: str) -> None:
    for field in expected:
        if field.name not in found.names:
            raise SourceError(f"{table}: no column {field.name!r}; land the source again")
        if found.field(field.name).type != field.type:
            raise SourceError(
                f"{table}: column {field.name!r} holds {found.field(field.name).type}, "
                f"not {field.type}; land the source again"
            )


def typed(pipeline: Pipeline, raw: pa.Table) -> pa.Table:
    """Return row_id (int64), the declared columns in their types, source_file and source_line.

    `row_id` is the first 8 bytes of sha256("source_file:source_line"). The label loses the
    characters of `label.strip` at its end. Nulls stay null. Rows keep their order.

    Raises:
        SourceError: Naming file, line, column and value of the first value that is not of its
            declared type.
    """
    spec = pipeline.spec
    columns = {
        "row_id": pa.array(hashes_by(raw.combine_chunks().to_batches()[0], [ORIGIN]).view(np.int64))
    }
    for name, declared in spec.columns.items():
        strings = _landed(raw, name, pipeline)
        if name == spec.label.column and spec.label.strip:
            strings = pc.utf8_rtrim(strings, characters=spec.label.strip)
        columns[name] = _parsed(strings, name, declared, raw)
    return pa.table(columns | {name: raw[name] for name in ORIGIN})


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
