"""Rejected records of one file, kept on disk until it is decided that the file lands."""

import hashlib
import json
from collections import Counter
from pathlib import Path

import pyarrow as pa
import pyarrow.ipc

from mlplatform.ingest.chunk import QUARANTINE

COUNTED_REASONS = 50  # Different ones told apart in a commit; the rest is one entry.
REST = "other reasons"


class Rejects:
    """A file that is made with the first record; `rows`, `reasons` and `digest` sum it up."""

    def __init__(self, path: Path) -> None:
        self.path, self.rows = path, 0
        self._reasons: Counter[str] = Counter()
        self._sha = hashlib.sha256()
        self._writer: pa.RecordBatchFileWriter | None = None

    def write(self, batch: pa.RecordBatch) -> None:
        """Keep records of `QUARANTINE`."""
        if not batch.num_rows:
            return
        if self._writer is None:
            self._writer = pa.ipc.new_file(str(self.path), QUARANTINE)
        self._writer.write_batch(batch)
        self.rows += batch.num_rows
        self._count(batch.column("reason").to_pylist())
        for row in batch.to_pylist():
            self._sha.update(json.dumps(row, sort_keys=True).encode() + b"\n")

    def close(self) -> None:
        """Finish the file; it can be read from now on."""
        if self._writer is not None:
            self._writer.close()

    @property
    def reasons(self) -> dict[str, int]:
        """Records by reason, the most frequent first."""
        return dict(self._reasons.most_common())

    @property
    def digest(self) -> str:
        """Return a sha256 over all records in order."""
        return self._sha.hexdigest()

    def reader(self, landing: str, schema: pa.Schema) -> pa.RecordBatchReader:
        """Return the records with the column `landing`, which says which landing rejected them."""
        stored = pa.ipc.open_file(str(self.path))
        batches = (stored.get_batch(n) for n in range(stored.num_record_batches))
        marked = (
            pa.RecordBatch.from_arrays(
                [*batch.columns, pa.repeat(pa.scalar(landing), batch.num_rows)], schema=schema
            )
            for batch in batches
        )
        return pa.RecordBatchReader.from_batches(schema, marked)

    def _count(self, reasons: list[str]) -> None:
        for reason, times in Counter(reasons).items():
            known = reason in self._reasons or len(self._reasons) < COUNTED_REASONS
            self._reasons[reason if known else REST] += times
