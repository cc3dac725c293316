"""A Delta table that others write: its snapshots and its growth, read only, in constant memory.

Snapshots come from delta-rs, bytes from pyarrow's own filesystems; what grew between two versions
is read from the log, since only the log tells new rows from compacted ones.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from mlplatform.errors import LakeError, PlatformError
from mlplatform.lake.storage import log_file, open_storage

if TYPE_CHECKING:
    import pyarrow as pa

BATCH_ROWS = 65_536
SHOWN_CHARACTERS = 300  # Of what delta-rs says: it may quote whole log entries.
PAGE_BUFFER = 1 << 20  # Compressed bytes of a column held at a time.
MAPPING = "delta.columnMapping.mode"  # Files then name columns otherwise than the table.


@dataclass(frozen=True)
class ForeignFile:
    """A data file: its path in the table, and the values of partition columns as written there."""

    path: str
    partition: Mapping[str, str | None]


@dataclass(frozen=True)
class Growth:
    """What happened between two versions: files with new rows, and whether rows went or changed."""

    files: Sequence[ForeignFile]
    removed: bool


class ForeignTable:
    """One snapshot of a table, the newest when it was opened.

    Args:
        uri: A local folder or `s3://` address.
        options: How to reach S3, as for `Lake`.

    Raises:
        LakeError: If there is no Delta table, or reading it needs deletion vectors or column
            mapping.
    """

    def __init__(self, uri: str, options: Mapping[str, str] | None = None) -> None:
        from deltalake import DeltaTable

        self.uri, self._storage = uri, open_storage(uri, options)
        with self._explained():
            self._table = DeltaTable(uri, storage_options=self._storage.options or None)
            self._require_plain()

    @property
    def version(self) -> int:
        """Return the snapshot's number."""
        return int(self._table.version())

    @property
    def id(self) -> str:
        """Return the table's own id: another table at the same place has another one."""
        return str(self._table.metadata().id)

    @property
    def schema(self) -> "pa.Schema":
        """Return the snapshot's columns, those of partitions included."""
        import pyarrow as pa

        return pa.schema(self._table.schema().to_arrow())

    def files(self) -> list[ForeignFile]:
        """Return the snapshot's files, oldest first."""
        import pyarrow as pa

        added = pa.table(self._table.get_add_actions(flatten=False)).to_pylist()
        added.sort(key=lambda file: (file["modification_time"], file["path"]))
        return [ForeignFile(unquote(f["path"]), f.get("partition") or {}) for f in added]

    def since(self, number: int) -> Growth:
        """Return what the versions after `number`, up to this snapshot, did.

        Rewriting files without changing rows (OPTIMIZE) is neither new rows nor a removal. Of files
        that were added and went again, none is told.

        Raises:
            LakeError: If the log does not reach back that far, or holds a deletion vector.
        """
        added: dict[str, ForeignFile] = {}
        removed = False
        for action in self._actions(number):
            add, remove = action.get("add"), action.get("remove")
            if add and add.get("dataChange", True):
                path = unquote(add["path"])
                added[path] = ForeignFile(path, add.get("partitionValues") or {})
            if remove and remove.get("dataChange", True):
                removed = True
                added.pop(unquote(remove["path"]), None)
            if (add or remove or {}).get("deletionVector"):
                raise LakeError(_with_deletion_vectors(self.uri))
        return Growth(list(added.values()), removed)

    def batches(self, files: Sequence[ForeignFile]) -> "Iterator[pa.RecordBatch]":
        """Yield the rows of these files in their order; a column that a file lacks is null.

        Raises:
            LakeError: If a file is missing or cannot be read.
        """
        schema = self.schema
        for file in files:
            with self._explained():
                yield from self._rows(file, schema)

    def _rows(self, file: ForeignFile, schema: "pa.Schema") -> "Iterator[pa.RecordBatch]":
        import pyarrow as pa
        import pyarrow.parquet as pq

        if _leads_outside(file.path):
            raise LakeError(
                f"{self.uri}: its log names files outside the table; copy it whole, then land it"
            )
        filesystem, root = self._storage.filesystem()
        with filesystem.open_input_file(f"{root}/{file.path}") as raw:
            stored = pq.ParquetFile(
                raw, buffer_size=PAGE_BUFFER, pre_buffer=False, coerce_int96_timestamp_unit="us"
            )
            for batch in stored.iter_batches(BATCH_ROWS, columns=schema.names):
                columns = [_column(batch, field, file) for field in schema]
                yield pa.RecordBatch.from_arrays(columns, names=schema.names)

    def _actions(self, number: int) -> Iterator[dict[str, Any]]:
        for entry in range(number + 1, self.version + 1):
            try:
                data = self._storage.read(f"_delta_log/{log_file(entry)}")
            except FileNotFoundError:
                raise LakeError(
                    f"{self.uri}: its log no longer holds version {entry}, so what is new since "
                    f"version {number} is unknown; land it with source.load full"
                ) from None
            with self._explained():
                yield from (json.loads(line) for line in data.splitlines() if line.strip())

    def _require_plain(self) -> None:
        if self._table.metadata().configuration.get(MAPPING, "none") != "none":
            raise LakeError(f"{self.uri}: uses column mapping, which cannot be read; copy it plain")
        features = self._table.protocol().reader_features or []
        if "deletionVectors" in features and len(_rows_of(self._table.deletion_vectors())):
            raise LakeError(_with_deletion_vectors(self.uri))

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Turn what delta-rs and pyarrow raise into one line."""
        import pyarrow as pa
        from deltalake.exceptions import DeltaError

        try:
            yield
        except PlatformError:
            raise
        except (DeltaError, pa.ArrowException, OSError, ValueError) as wrong:
            said = (str(wrong).splitlines() or [type(wrong).__name__])[0][:SHOWN_CHARACTERS]
            raise LakeError(f"{self.uri}: cannot be read as a Delta table: {said}") from None


def _with_deletion_vectors(uri: str) -> str:
    return f"{uri}: has deletion vectors, which cannot be read; purge them (REORG TABLE … PURGE)"


def _leads_outside(path: str) -> bool:
    """Tell whether an unquoted path is an address, absolute, or may climb out of its table."""
    return "://" in path or path.startswith("/") or ".." in path.split("/")


def _rows_of(table: Any) -> "pa.Table":
    import pyarrow as pa

    return pa.table(table)


def _column(batch: "pa.RecordBatch", field: "pa.Field", file: ForeignFile) -> "pa.Array":
    import pyarrow as pa

    if field.name in file.partition:
        value = _partition_value(file.partition[field.name], field.type)
        return pa.repeat(value, batch.num_rows)
    at = batch.schema.get_field_index(field.name)
    return batch.column(at) if at >= 0 else pa.nulls(batch.num_rows, field.type)


def _partition_value(value: Any, type_: "pa.DataType") -> "pa.Scalar":
    """A typed value as it is; a text by the Delta protocol's serialization, UTC without a zone."""
    import pyarrow as pa

    if value is None or value == "":
        return pa.scalar(None, type_)
    if not isinstance(value, str) or not pa.types.is_timestamp(type_):
        return pa.scalar(value).cast(type_)
    try:
        return pa.scalar(value).cast(type_)
    except pa.ArrowInvalid:
        return pa.scalar(value).cast(pa.timestamp(type_.unit)).cast(type_)
