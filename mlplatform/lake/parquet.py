"""Parquet files of a table: written in one pass with both digests, verified before they are first read."""

import hashlib
import io
import uuid
from collections.abc import Iterator, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from mlplatform.errors import CorruptionError, LakeError
from mlplatform.lake.arrow import SLICE_ROWS, resliced, slices, storable
from mlplatform.lake.commit import Batch, Columns, Commit, DataFile
from mlplatform.lake.digest import ContentDigest
from mlplatform.lake.storage import Sink, Storage, explained

ROW_GROUP_SLICES = 4  # 262,144 rows: few enough to hold in memory, enough to compress well.
_CHUNK = 1 << 20

_verified: set[tuple[Any, ...]] = (
    set()
)  # Path, bytes, time of change, sha256: checked in this process.


class _HashedSink(io.RawIOBase):
    """Passes bytes on, keeping their sha256 and number."""

    def __init__(self, sink: Sink) -> None:
        super().__init__()
        self._sink, self.sha256, self.bytes = sink, hashlib.sha256(), 0

    def writable(self) -> bool:
        return True

    def write(self, data: Any, /) -> int:
        self._sink.write(data)
        self.sha256.update(data)
        self.bytes += len(data)
        return len(data)

    def tell(self) -> int:
        return self.bytes


def write(storage: Storage, table: str, data: pa.Table | pa.RecordBatchReader) -> Batch:
    """Write the rows as one durable file of `table` in constant memory; nothing names it yet.

    Raises:
        LakeError: If a column cannot be stored or the storage cannot be written.
    """
    schema = storable(data.schema)
    digest, rows = ContentDigest(schema), 0
    path = f"part-{uuid.uuid4().hex}.parquet"
    with explained(f"write {storage.uri(table)}"), storage.writer(f"{table}/{path}") as sink:
        hashed = _HashedSink(sink)
        with pq.ParquetWriter(hashed, schema, compression="snappy") as file:
            held: list[pa.RecordBatch] = []
            for batch in slices(data, schema):
                digest.update(batch)
                rows += batch.num_rows
                held.append(batch)
                if len(held) == ROW_GROUP_SLICES:
                    file.write_table(pa.Table.from_batches(held))
                    held = []
            if held:
                file.write_table(pa.Table.from_batches(held))
    return Batch(
        digest=digest.hexdigest(),
        schema=schema,
        columns=columns_of(schema),
        file=DataFile(path=path, sha256=hashed.sha256.hexdigest(), bytes=hashed.bytes, rows=rows),
    )


def columns_of(schema: pa.Schema) -> Columns:
    """Return name and type of each column."""
    return tuple((field.name, str(field.type)) for field in schema)


def read(
    storage: Storage, commits: Sequence[Commit], columns: Sequence[str] | None, where: Any = None
) -> pa.Table:
    """Return the rows these commits added, in written order; `where` is a `pyarrow.compute.Expression`."""
    dataset = _dataset(storage, commits)
    _require(columns, dataset.schema, commits[-1])
    with explained(f"read {storage.uri(commits[-1].version.table)}"):
        return dataset.to_table(columns=columns, filter=where)


def batches(
    storage: Storage, commits: Sequence[Commit], columns: Sequence[str] | None, rows: int
) -> Iterator[pa.RecordBatch]:
    """Yield the rows these commits added in written order, `rows` at a time, in constant memory."""
    dataset = _dataset(storage, commits)
    _require(columns, dataset.schema, commits[-1])
    with explained(f"read {storage.uri(commits[-1].version.table)}"):
        found = dataset.to_batches(columns=columns, batch_size=SLICE_ROWS, batch_readahead=4)
        yield from resliced(found, rows)


def _dataset(storage: Storage, commits: Sequence[Commit]) -> ds.Dataset:
    filesystem, root = storage.filesystem()
    paths = []
    for commit in commits:
        for file in commit.files:
            path = f"{root}/{commit.version.table}/{file.path}"
            _verify(filesystem, path, file, commit)
            paths.append(path)
    schema = pq.read_schema(paths[-1], filesystem=filesystem).remove_metadata()
    form = ds.ParquetFileFormat()
    return ds.FileSystemDataset(
        [form.make_fragment(path, filesystem=filesystem) for path in paths],
        schema,
        form,
        filesystem,
    )


def _verify(filesystem: Any, path: str, file: DataFile, commit: Commit) -> None:
    """Compare a file with its commit's manifest, once per process and state of the file.

    Raises:
        CorruptionError: Naming file, version, and both digests.
    """
    what = f"{path} (version {commit.version.number} of {commit.version.table})"
    with explained(f"read {path}"):
        info = filesystem.get_file_info(path)
        if not info.is_file:
            raise CorruptionError(f"{what} is missing")
        seen = (path, info.size, info.mtime_ns)
        if (*seen, file.sha256) in _verified:
            return
        sha256 = hashlib.sha256()
        with filesystem.open_input_stream(path) as stream:
            while chunk := stream.read(_CHUNK):
                sha256.update(chunk)
    if sha256.hexdigest() != file.sha256:
        raise CorruptionError(
            f"{what} is damaged: expected sha256 {file.sha256}, got {sha256.hexdigest()}; restore the file"
        )
    _verified.add((*seen, file.sha256))


def _require(columns: Sequence[str] | None, schema: pa.Schema, commit: Commit) -> None:
    unknown = [name for name in columns or () if name not in schema.names]
    if unknown:
        raise LakeError(
            f"table {commit.version.table} has no column {', '.join(map(repr, unknown))};"
            f" it has {', '.join(schema.names)}"
        )
