"""Upserts: of rows with equal keys the last landed is the dataset's.

One pass over the key columns alone remembers each distinct key with its last position (in an Arrow
`group_by`, which compares keys themselves and not their hashes); a second pass keeps the rows at
those positions. Memory goes by distinct keys, never by rows.
"""

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pt

from mlplatform.ingest.hashing import lacks

POSITION = "position"
WAITING_ROWS = 1 << 20  # Gathered before keys are merged; from there on, as many as there are keys.


def newest(batches: Iterable[pa.RecordBatch], key: Sequence[str]) -> np.ndarray:
    """Return ascending int64 positions, counted over all batches, of each key's last row.

    A row that lacks a part of its key is like no other: its position is always among them.
    """
    known = _Known(len(key))
    keyless: list[np.ndarray] = []
    start = 0
    for batch in batches:
        positions = np.arange(start, start + batch.num_rows)
        start += batch.num_rows
        lacking = lacks(batch, key)
        keyless.append(positions[lacking])
        known.add([_comparable(batch.column(name)) for name in key], positions, ~lacking)
    return np.sort(np.concatenate([known.positions(), *keyless]))


def kept(batches: Iterable[pa.RecordBatch], positions: np.ndarray) -> Iterator[pa.RecordBatch]:
    """Yield the rows at these ascending positions."""
    start = 0
    for batch in batches:
        first, end = np.searchsorted(positions, [start, start + batch.num_rows])
        here = positions[first:end] - start
        start += batch.num_rows
        yield batch if len(here) == batch.num_rows else batch.take(pa.array(here))


class _Known:
    """Each distinct key and its last position."""

    def __init__(self, width: int) -> None:
        self._names = [str(at) for at in range(width)]
        self._keys: pa.Table | None = None
        self._waiting: list[pa.Table] = []
        self._rows = 0

    def add(self, key: Sequence[pa.Array], positions: np.ndarray, there: np.ndarray) -> None:
        columns = dict(zip(self._names, key, strict=True)) | {POSITION: positions}
        rows = pa.table(columns)
        self._waiting.append(rows if there.all() else rows.filter(pa.array(there)))
        self._rows += rows.num_rows
        if self._rows >= max(WAITING_ROWS, self._keys.num_rows if self._keys else 0):
            self._merge()

    def positions(self) -> np.ndarray:
        self._merge()
        return np.empty(0, np.int64) if self._keys is None else self._keys[POSITION].to_numpy()

    def _merge(self) -> None:
        tables = [*([self._keys] if self._keys else []), *self._waiting]
        if not self._waiting:
            return
        merged = pa.concat_tables(tables).group_by(self._names)
        last = merged.aggregate([(POSITION, "max")])
        self._keys = last.rename_columns([*self._names, POSITION])
        self._waiting, self._rows = [], 0


def _comparable(values: pa.Array) -> pa.Array:
    """Return the values as `group_by` takes them: any amount of text, one zero."""
    if pt.is_string(values.type):
        return values.cast(pa.large_string())
    return pc.add(values, 0.0) if pt.is_floating(values.type) else values
