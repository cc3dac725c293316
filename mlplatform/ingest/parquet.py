"""Parquet files in batches: the footer is checked first, row groups are streamed page by page.

Reading costs the same memory whatever the size of file or row group. Columns are found by name;
those that the spec does not declare are not read, only told.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import pyarrow as pa
import pyarrow.parquet as pq

from mlplatform.errors import PlatformError, SourceError
from mlplatform.ingest.chunk import Chunk
from mlplatform.ingest.conform import check_columns, conformed, undeclared
from mlplatform.ingest.storage import SourceFile
from mlplatform.spec import PipelineSpec

BATCH_ROWS = 65_536  # As many as the lake writes at a time,
BATCH_BYTES = 64 << 20  # but fewer of wide rows, so that a batch stays near this size.
PAGE_BUFFER = 1 << 20  # Compressed bytes of a column held at a time, instead of its whole chunk.


class ParquetRows:
    """The rows of one file; `undeclared` is known once they were asked for."""

    def __init__(self, file: SourceFile, spec: PipelineSpec) -> None:
        self._file, self._spec = file, spec
        self.undeclared: list[str] = []

    def chunks(self) -> Iterator[Chunk]:
        """Yield the rows in the file's order; lines are row numbers.

        Raises:
            SourceError: If the file is no sound Parquet file, or lacks a declared column, or a
                column's type never converts.
        """
        with _sound(self._file.where), self._file.random_access() as raw:
            stored = pq.ParquetFile(
                raw,
                buffer_size=PAGE_BUFFER,
                pre_buffer=False,
                page_checksum_verification=True,
                coerce_int96_timestamp_unit="us",  # As Spark wrote them; their digits end there.
            )
            schema = stored.schema_arrow
            check_columns(schema, self._spec, self._file.name)
            self.undeclared = undeclared(schema, self._spec)
            yield from conformed(self._batches(stored), self._spec, self._file.name)

    def _batches(self, stored: pq.ParquetFile) -> Iterator[pa.RecordBatch]:
        count, meta = 0, stored.metadata
        found = stored.iter_batches(_batch_rows(meta), columns=list(self._spec.columns))
        for batch in found:
            count += batch.num_rows
            yield batch
        if count != meta.num_rows:
            raise pa.ArrowInvalid(f"the footer promises {meta.num_rows} rows, there are {count}")


def _batch_rows(meta: pq.FileMetaData) -> int:
    """Rows a batch may have: every column counts, also one that is not read."""
    groups = [meta.row_group(n) for n in range(meta.num_row_groups)]
    widest = max((g.total_byte_size / max(g.num_rows, 1) for g in groups), default=1)
    return max(1, min(BATCH_ROWS, int(BATCH_BYTES / max(widest, 1))))


@contextmanager
def _sound(where: str) -> Iterator[None]:
    """Turn what pyarrow says of a damaged file into one line."""
    try:
        yield
    except PlatformError:
        raise
    except (pa.ArrowException, OSError, OverflowError, UnicodeDecodeError) as wrong:
        said = (str(wrong).splitlines() or [type(wrong).__name__])[0].rstrip(". ")
        message = f"{where}: no sound Parquet file: {said}; fetch or write it again"
        raise SourceError(message) from None
