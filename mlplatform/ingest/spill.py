"""Rejected records of one file, kept on disk until it is decided that the file lands."""

import hashlib
import json
import re
from collections import Counter
from pathlib import Path

import pyarrow as pa
import pyarrow.ipc

from mlplatform.ingest.chunk import QUARANTINE

COUNTED_REASONS = 50  # Different ones told apart in a commit; the rest is one entry.
REST = "other reasons"
_GENERAL = (  # Reasons that quote what the record says, and what they say of any record.
    (
        re.compile(r".* is (no (?:int64|float64|string|bool|timestamp|vector\[\d+\]))", re.DOTALL),
        r"\1",
    ),
    (re.compile(r"the number .* is (not finite)", re.DOTALL), r"\1"),
    (re.compile(r"no column .* is declared", re.DOTALL), "a column that is not declared"),
    (re.compile(r"the key .* stands twice", re.DOTALL), "a key that stands twice"),
    (re.compile(r"(not a JSON object): .*", re.DOTALL), r"\1"),
    (re.compile(r"(?:byte 0x..|U\+[0-9A-F]+) is (.*)"), r"\1"),
)


def general(reason: str, column: str | None) -> str:
    """Return a reason without the value it quotes, and with the column: `age: no int64`.

    Commits keep such reasons for ever; what a record says stands in the quarantine alone.
    """
    found = ((pattern.fullmatch(reason), to) for pattern, to in _GENERAL)
    said = next((match.expand(to) for match, to in found if match), reason)
    return f"{column}: {said}" if column else said


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
        self._count(batch.column("reason").to_pylist(), batch.column("column").to_pylist())
        for row in batch.to_pylist():
            self._sha.update(json.dumps(row, sort_keys=True).encode() + b"\n")

    def close(self) -> None:
        """Finish the file; it can be read from now on."""
        if self._writer is not None:
            self._writer.close()

    @property
    def reasons(self) -> dict[str, int]:
        """Records by `general` reason, the most frequent first."""
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

    def _count(self, reasons: list[str], columns: list[str | None]) -> None:
        said: Counter[str] = Counter()
        for (reason, column), times in Counter(zip(reasons, columns, strict=True)).items():
            said[general(reason, column)] += times
        for reason, times in said.items():
            known = reason in self._reasons or len(self._reasons) < COUNTED_REASONS
            self._reasons[reason if known else REST] += times
