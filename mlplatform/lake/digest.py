"""Digest of logical content: what the rows say, however they are chunked, encoded or stored."""

import hashlib
import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pt

from mlplatform.lake.arrow import SLICE_ROWS, slices, storable

ALL_VALID, SOME_NULL = b"\0", b"\1"


class ContentDigest:
    """sha256 over a schema and its rows, fed in slices of `SLICE_ROWS` rows but the last.

    Of each column of a slice it takes the validity and the values; what lies under a null, before
    an offset or behind the end never counts. Floats count by their bits, so -0.0 differs from 0.0.
    """

    def __init__(self, schema: pa.Schema) -> None:
        self._sha = hashlib.sha256()
        columns = [[field.name, str(field.type)] for field in schema]
        self._sha.update(json.dumps(columns).encode())

    def update(self, batch: pa.RecordBatch) -> None:
        """Take the next slice."""
        self._sha.update(batch.num_rows.to_bytes(8, "little"))
        for column in batch.columns:
            for part in _parts(column):
                self._sha.update(part)

    def hexdigest(self) -> str:
        """Return the digest of everything taken so far."""
        return self._sha.hexdigest()


def content_digest(table: pa.Table) -> str:
    """Return the digest that `Table.overwrite(table, ...)` would record."""
    schema = storable(table.schema)
    digest = ContentDigest(schema)
    for batch in slices(table, schema, SLICE_ROWS):
        digest.update(batch)
    return digest.hexdigest()


def _parts(column: pa.Array) -> Iterator[Any]:
    valid = _validity(column)
    yield ALL_VALID if valid is None else SOME_NULL + np.packbits(valid).tobytes()
    if pt.is_struct(column.type):
        for child in column.flatten():  # Carries the parent's nulls into each child.
            yield from _parts(child)
    elif pt.is_list(column.type):
        yield _zeroed(np.asarray(pc.list_value_length(column).fill_null(0)), valid)
        yield from _parts(column.flatten())  # Leaves out what lies under null lists.
    elif pt.is_string(column.type) or pt.is_binary(column.type):
        yield from _variable(column, valid)
    elif pt.is_boolean(column.type):
        yield np.packbits(np.asarray(column.fill_null(False)))  # noqa: FBT003 - pyarrow's signature.
    else:
        yield _zeroed(_fixed(column), valid)


def _validity(column: pa.Array) -> np.ndarray | None:
    """Return bool[rows], or `None` when nothing is null."""
    if column.null_count == 0:
        return None
    return column.is_valid().to_numpy(zero_copy_only=False)  # type: ignore[no-any-return]  # pyarrow is untyped.


def _fixed(column: pa.Array) -> np.ndarray:
    """Return uint8[rows, width]: the bytes of each value of a fixed-width column."""
    width = column.type.bit_width // 8
    if len(column) == 0:
        return np.empty((0, width), np.uint8)
    start, size = column.offset * width, len(column) * width
    values = np.frombuffer(column.buffers()[1], np.uint8, size, start)
    return values.reshape(len(column), width)


def _zeroed(values: np.ndarray, valid: np.ndarray | None) -> np.ndarray:
    if valid is None:
        return np.ascontiguousarray(values)
    kept = values.copy()
    kept[~valid] = 0
    return kept


def _variable(column: pa.Array, valid: np.ndarray | None) -> Iterator[Any]:
    """Yield int32[rows] lengths, then the bytes of all values in a row."""
    if valid is not None:
        column = column.fill_null("" if pt.is_string(column.type) else b"")
    if len(column) == 0:
        return
    _, offsets_buffer, data = column.buffers()
    offsets = np.frombuffer(offsets_buffer, np.int32, len(column) + 1, column.offset * 4)
    yield np.diff(offsets)
    if data is not None and offsets[-1] > offsets[0]:
        yield np.frombuffer(data, np.uint8, int(offsets[-1] - offsets[0]), int(offsets[0]))
