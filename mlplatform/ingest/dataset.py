"""From landed rows to `dataset`: each with an identity, and of upserted rows the newest."""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from mlplatform.errors import SourceError
from mlplatform.ingest.chunk import ORIGIN, rows_schema
from mlplatform.ingest.hashing import hashes_by
from mlplatform.ingest.upsert import kept, newest
from mlplatform.ingest.values import stripped
from mlplatform.spec import Pipeline, PipelineSpec

if TYPE_CHECKING:
    from mlplatform.lake import Lake, Version

ROW_ID = "row_id"


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
