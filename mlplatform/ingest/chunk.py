"""What every reader yields: typed rows, and the records that could not become rows."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from mlplatform.spec import PipelineSpec
from mlplatform.spec.section import ColumnType, vector_width

TIMESTAMP = pa.timestamp("us", tz="UTC")
VECTOR = pa.list_(pa.float32())  # Of any width: what a Delta table gives back.
ARROW: dict[str, pa.DataType] = {
    "int64": pa.int64(),
    "float64": pa.float64(),
    "string": pa.string(),
    "bool": pa.bool_(),
    "timestamp": TIMESTAMP,
}
ORIGIN = ("source_file", "source_line")  # Where a row was read; not part of its content.
SHOWN_CHARACTERS = 1_000  # Of a rejected record, enough to find and mend it.

QUARANTINE = pa.schema(
    [
        pa.field("source_file", pa.string()),
        pa.field("source_line", pa.int64()),  # 1-based; a record's first line.
        pa.field("column", pa.string()),  # Null where no single column is to blame.
        pa.field("reason", pa.string()),
        pa.field("text", pa.string()),  # The record's beginning, at most SHOWN_CHARACTERS.
    ]
)


def arrow_type(kind: ColumnType) -> pa.DataType:
    """Return the Arrow type of a landed column."""
    return VECTOR if vector_width(kind) else ARROW[kind]


def rows_schema(spec: PipelineSpec) -> pa.Schema:
    """Return the schema of `source`: declared columns in their types, source_file, source_line."""
    declared = [pa.field(name, arrow_type(kind)) for name, kind in spec.columns.items()]
    origin = [pa.field("source_file", pa.string()), pa.field("source_line", pa.int64())]
    return pa.schema(declared + origin)


@dataclass(frozen=True)
class Chunk:
    """Some records of one file, in the file's order: `rows` by `rows_schema`, `rejected` by `QUARANTINE`.

    Every record of the file is in exactly one of the two, once.
    """

    rows: pa.RecordBatch
    rejected: pa.RecordBatch


class Reject(NamedTuple):
    """One record that could not become a row: its first line, what is wrong, how it begins."""

    line: int
    reason: str
    text: str
    column: str | None = None


def rejected_batch(file: str, rejects: list[Reject]) -> pa.RecordBatch:
    """Return `rejects` by `QUARANTINE`, in the order of their lines."""
    ordered = sorted(rejects, key=lambda reject: reject.line)
    columns = {
        "source_file": [file] * len(ordered),
        "source_line": [reject.line for reject in ordered],
        "column": [reject.column for reject in ordered],
        "reason": [reject.reason for reject in ordered],
        "text": [reject.text[:SHOWN_CHARACTERS] for reject in ordered],
    }
    return pa.RecordBatch.from_pydict(columns, schema=QUARANTINE)


def chunk_of(
    columns: list[pa.Array],
    lines: np.ndarray,
    blamed: list[int],
    rejects: list[Reject],
    file: str,
    spec: PipelineSpec,
) -> Chunk:
    """Return the typed `columns` as rows, less those at the positions `blamed`, and the `rejects`."""
    origin = [pa.repeat(file, len(lines)).cast(pa.string()), pa.array(lines, pa.int64())]
    rows = pa.RecordBatch.from_arrays([*columns, *origin], schema=rows_schema(spec))
    if blamed:
        kept = np.ones(len(lines), bool)
        kept[blamed] = False
        rows = rows.filter(pa.array(kept))
    return Chunk(rows, rejected_batch(file, rejects))
