"""Parquet files of a table: written in one pass with both digests, verified before first use."""

import hashlib
import io
import uuid
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pyarrow.types as pt

from mlplatform.errors import CorruptionError, LakeError
from mlplatform.lake import journal
from mlplatform.lake.arrow import SLICE_ROWS, resliced, slices, storable
from mlplatform.lake.commit import Batch, Columns, Commit, DataFile
from mlplatform.lake.digest import ContentDigest
from mlplatform.lake.storage import Sink, Storage, explained
from mlplatform.lake.version import Version

ROW_GROUP_SLICES = 4  # 262,144 rows: few enough to hold in memory, enough to compress well.
ENCODED = pa.dictionary(pa.int32(), pa.string())
_CHUNK = 1 << 20  # Bytes hashed at a time.
_READERS = 8  # Files hashed at a time.

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

    def written(file: pq.ParquetWriter) -> Iterator[pa.RecordBatch]:
        held: list[pa.RecordBatch] = []
        for batch in slices(data, schema):
            held.append(batch)
            yield batch
            if len(held) == ROW_GROUP_SLICES:
                file.write_table(pa.Table.from_batches(held))
                held = []
        if held:
            file.write_table(pa.Table.from_batches(held))

    return _write(storage, table, schema, written)


def write_groups(
    storage: Storage, table: str, schema: pa.Schema, groups: Iterator[pa.Table]
) -> Batch:
    """Write each of `groups` as a row group of one durable file of `table`; nothing names it yet."""

    def written(file: pq.ParquetWriter) -> Iterator[pa.RecordBatch]:
        for group in groups:
            file.write_table(group, row_group_size=max(group.num_rows, 1))
            yield from group.to_batches()

    return _write(storage, table, schema, lambda file: resliced(written(file), SLICE_ROWS))


def _write(
    storage: Storage,
    table: str,
    schema: pa.Schema,
    written: Callable[[pq.ParquetWriter], Iterator[pa.RecordBatch]],
) -> Batch:
    """Write a file and return it; `written` puts rows into it and yields them in slices for the digest."""
    digest, rows = ContentDigest(schema), 0
    path = f"part-{uuid.uuid4().hex}.parquet"
    with explained(f"write {storage.uri(table)}"), storage.writer(f"{table}/{path}") as sink:
        hashed = _HashedSink(sink)
        # Of numbers a dictionary is mostly built in vain: it costs half the writing time.
        texts = [f.name for f in schema if pt.is_string(f.type) or pt.is_binary(f.type)]
        with pq.ParquetWriter(hashed, schema, use_dictionary=texts or False) as file:
            for batch in written(file):
                digest.update(batch)
                rows += batch.num_rows
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
    """Return the rows these commits added, in written order; `where` is a pyarrow expression."""
    dataset = _dataset(storage, commits)
    _require(columns, dataset.schema, commits[-1])
    with explained(f"read {storage.uri(commits[-1].version.table)}"):
        return dataset.to_table(columns=columns, filter=where)


def batches(
    storage: Storage,
    commits: Sequence[Commit],
    columns: Sequence[str] | None,
    rows: int,
    *,
    dictionaries: bool = False,
) -> Iterator[pa.RecordBatch]:
    """Yield the rows these commits added in written order, `rows` at a time, in constant memory.

    With `dictionaries`, strings stay encoded, and a batch has fewer rows where dictionaries end.
    """
    filesystem, paths, schema = files(storage, commits)
    _require(columns, schema, commits[-1])
    texts = [f.name for f in schema if dictionaries and pt.is_string(f.type)]
    names = schema.names if columns is None else list(columns)
    kinds = [ENCODED if name in texts else schema.field(name).type for name in names]
    wanted = pa.schema(list(zip(names, kinds, strict=True)))
    size = rows if dictionaries else SLICE_ROWS
    with explained(f"read {storage.uri(commits[-1].version.table)}"):
        found = _ahead(_groups(filesystem, paths, wanted, texts, size))
        yield from found if dictionaries else resliced(found, rows)


def _groups(
    filesystem: Any, paths: Sequence[str], schema: pa.Schema, texts: Sequence[str], rows: int
) -> Iterator[pa.RecordBatch]:
    """Yield the columns of `schema`, a group of rows of a file at a time, in pieces of `rows`.

    A dataset would do it too, and reads whole files ahead: hundreds of megabytes, in thrice the time.
    """
    for path in paths:
        with filesystem.open_input_file(path) as stream:
            file = pq.ParquetFile(stream, read_dictionary=texts, pre_buffer=True)
            for group in range(file.num_row_groups):
                for batch in file.iter_batches(rows, row_groups=[group], columns=schema.names):
                    found = batch.select(schema.names)
                    yield (
                        pa.RecordBatch.from_arrays(found.columns, schema=schema)
                        if len(schema)
                        else found
                    )


def groups(storage: Storage, commits: Sequence[Commit], *, as_stored: bool) -> Iterator[pa.Table]:
    """Yield the rows these commits added in written order, as their files hold them together, or many at a time."""
    if not as_stored:
        rows = ROW_GROUP_SLICES * SLICE_ROWS
        yield from (pa.Table.from_batches([b]) for b in batches(storage, commits, None, rows))
        return
    filesystem, paths, schema = files(storage, commits)
    with explained(f"read {storage.uri(commits[-1].version.table)}"):
        for path in paths:
            with filesystem.open_input_file(path) as stream:
                file = pq.ParquetFile(stream, pre_buffer=True)
                for at in range(file.num_row_groups):
                    yield file.read_row_group(at, columns=schema.names).cast(schema)


def digest(storage: Storage, commits: Sequence[Commit]) -> str:
    """Return the digest of the rows these commits added, as they read now."""
    content = ContentDigest(files(storage, commits)[2])
    for batch in batches(storage, commits, None, SLICE_ROWS):
        content.update(batch)
    return content.hexdigest()


def _ahead(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Yield the same batches; while one is used, the next one is read."""
    with ThreadPoolExecutor(1) as pool:
        coming = pool.submit(next, batches, None)
        while (batch := coming.result()) is not None:
            coming = pool.submit(next, batches, None)
            yield batch


def _dataset(storage: Storage, commits: Sequence[Commit]) -> ds.Dataset:
    filesystem, paths, schema = files(storage, commits)
    with explained(f"read {storage.uri(commits[-1].version.table)}"):
        form = ds.ParquetFileFormat()
        fragments = [form.make_fragment(path, filesystem=filesystem) for path in paths]
        return ds.FileSystemDataset(fragments, schema, form, filesystem)


def files(storage: Storage, commits: Sequence[Commit]) -> tuple[Any, list[str], pa.Schema]:
    """Return the filesystem, the paths of the files, each verified, and their columns."""
    filesystem, root = storage.filesystem()
    folder = f"{root}/{commits[-1].version.table}"
    with explained(f"read {storage.uri(commits[-1].version.table)}"):
        _verify(storage, filesystem, folder, commits)
        paths = [f"{folder}/{file.path}" for commit in commits for file in commit.files]
        stored = pq.read_schema(paths[-1], filesystem=filesystem)
        return filesystem, paths, pa.schema([pa.field(f.name, f.type) for f in stored])


def _verify(storage: Storage, filesystem: Any, folder: str, commits: Sequence[Commit]) -> None:
    """Compare each file with its commit's manifest, once per process and state of the file.

    Raises:
        FreedError: If a vacuum removed a file.
        CorruptionError: Naming file, version, and both digests.
    """
    files = [(file, commit.version) for commit in commits for file in commit.files]
    infos = filesystem.get_file_info([f"{folder}/{file.path}" for file, _ in files])
    stale = []
    for (file, version), info in zip(files, infos, strict=True):
        if not info.is_file:
            asked = commits[-1].version.number
            raise journal.missing_file(storage, version.table, file.path, version.number, asked)
        if _state(info, file) not in _verified:
            stale.append((file, version, info))
    with ThreadPoolExecutor(_READERS) as pool:
        digests = pool.map(lambda item: _sha256(filesystem, item[2].path), stale)
        for (file, version, info), sha256 in zip(stale, digests, strict=True):
            if sha256 != file.sha256:
                raise CorruptionError(
                    f"{info.path} (version {_place(version)}) is damaged: expected sha256 "
                    f"{file.sha256}, got {sha256}; restore it"
                )
            _verified.add(_state(info, file))


def _place(version: Version) -> str:
    return f"{version.number} of {version.table}"


def _state(info: Any, file: DataFile) -> tuple[Any, ...]:
    return info.path, info.size, info.mtime_ns, file.sha256


def _sha256(filesystem: Any, path: str) -> str:
    sha256 = hashlib.sha256()
    with filesystem.open_input_stream(path) as stream:
        while chunk := stream.read(_CHUNK):
            sha256.update(chunk)
    return sha256.hexdigest()


def _require(columns: Sequence[str] | None, schema: pa.Schema, commit: Commit) -> None:
    unknown = [name for name in columns or () if name not in schema.names]
    if unknown:
        raise LakeError(
            f"table {commit.version.table} has no column {', '.join(map(repr, unknown))};"
            f" it has {', '.join(schema.names)}"
        )
