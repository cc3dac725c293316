"""Hands a dataset version to TFDV: two Parquet files that any pyarrow since 10 reads."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from mlplatform.errors import SourceError


def export(
    batches: Iterable[pa.RecordBatch], test_files: Sequence[str], folder: Path
) -> tuple[Path, Path]:
    """Write the rows to `folder` and return (training rows, rows of `test_files`), batch by batch.

    Raises:
        SourceError: If there is no batch at all.
    """
    paths = folder / "training.parquet", folder / "test.parquet"
    stream = iter(batches)
    first = next(stream, None)
    if first is None:
        raise SourceError("the dataset has no rows; there is nothing to profile")
    names = pa.array(test_files, pa.string())
    with ExitStack() as stack:
        # Without Arrow's own schema, which names types that older readers do not know.
        training, test = (
            stack.enter_context(pq.ParquetWriter(path, first.schema, store_schema=False))
            for path in paths
        )
        for batch in _chained(first, stream):
            official = pc.is_in(batch["source_file"], names)
            training.write_batch(batch.filter(pc.invert(official)))
            test.write_batch(batch.filter(official))
    return paths


def _chained(first: pa.RecordBatch, rest: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    yield first
    yield from rest
