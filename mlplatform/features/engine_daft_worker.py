"""What Daft's workers do: read groups of rows, each with its place, and map the batch function over them.

Imported where Daft is installed only.
"""

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import daft
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from daft.io.source import DataSource, DataSourceTask
from daft.recordbatch import RecordBatch

from mlplatform.errors import PlatformError
from mlplatform.features.batch_function import BatchFunction, renumbered

if TYPE_CHECKING:
    from daft.io.pushdowns import Pushdowns

    from mlplatform.features.aggregates import Lookup

PLACE, NOTE = "__place", "__note"  # A row's place in its table; what one row says of its batch.
BATCH = 65_536  # Rows.


@dataclass(frozen=True)
class Group:
    """One group of rows of a Parquet file without the first `skip`; `first` is the next one's place."""

    filesystem: Any
    path: str
    number: int
    first: int
    skip: int

    def batches(self, columns: Sequence[str]) -> "list[pa.RecordBatch]":
        """Return its rows, in order, with their places."""
        with self.filesystem.open_input_file(self.path) as stream:
            file = pq.ParquetFile(stream, pre_buffer=True)
            found = file.read_row_group(self.number, columns=list(columns)).select(list(columns))
        rows = found.slice(self.skip)
        places = pa.array(np.arange(self.first, self.first + rows.num_rows))
        placed: pa.Table = rows.append_column(PLACE, places).combine_chunks()
        batches: list[pa.RecordBatch] = placed.to_batches(BATCH)
        return batches


class Task(DataSourceTask):
    """Reads one group."""

    def __init__(self, group: Group, read: pa.Schema) -> None:
        self._group, self._read = group, read

    @property
    def schema(self) -> daft.Schema:
        """What is read, and the place."""
        return daft.Schema.from_pyarrow_schema(self._read)

    async def read(self) -> AsyncIterator[RecordBatch]:
        """Yield its rows."""
        for batch in self._group.batches(self._read.names[:-1]):
            yield RecordBatch.from_arrow_record_batches([batch], batch.schema)


class Source(DataSource):
    """Groups of rows of one table version, with the columns of `read`."""

    def __init__(self, groups: Sequence[Group], read: pa.Schema) -> None:
        self._groups, self._read = groups, read.append(pa.field(PLACE, pa.int64()))

    @property
    def name(self) -> str:
        """What plans call it."""
        return "lake"

    @property
    def schema(self) -> daft.Schema:
        """What is read, and the place."""
        return daft.Schema.from_pyarrow_schema(self._read)

    async def get_tasks(self, pushdowns: "Pushdowns") -> AsyncIterator[DataSourceTask]:
        """Yield one task a group; all columns are wanted."""
        for group in self._groups:
            yield Task(group, self._read)


class Mapper:
    """The batch function in a worker, loaded once from the artifact's bytes."""

    def __init__(
        self, files: Mapping[str, bytes], lookup: "Lookup | None", read: pa.Schema
    ) -> None:
        self._function, self._read = BatchFunction.load(files, lookup), read

    def map(self, place: daft.Series, *columns: daft.Series) -> pa.StructArray:
        """Return place, row_id, features and a note on each row of a batch: what was counted, or what is wrong."""
        places = place.to_arrow()
        arrays = [
            one.to_arrow().cast(field.type) for one, field in zip(columns, self._read, strict=True)
        ]
        batch = pa.RecordBatch.from_arrays(arrays, schema=self._read)
        try:
            made, counted = self._function.counted(batch)
            found, said = list(made.columns), {"statistics": counted.to_json().decode()}
        except PlatformError as wrong:
            # As a value, since an error from a worker arrives as a traceback of three libraries.
            found = [pa.nulls(len(places), field.type) for field in self._function.schema]
            said = {"error": renumbered(str(wrong), lambda row: int(places[row].as_py()))}
        note = [json.dumps(said).encode(), *[None] * (len(places) - 1)][: len(places)]
        first = [places, batch.column(0), pa.array(note, pa.large_binary())]
        names = [PLACE, self._read.names[0], NOTE, *self._function.schema.names]
        return pa.StructArray.from_arrays([*first, *found], names)


def frame(
    groups: Sequence[Group], read: pa.Schema, function: BatchFunction, workers: int
) -> daft.DataFrame:
    """Return the mapped rows of `groups`: place, the first column of `read`, note, features; unordered.

    Args:
        groups: The rows.
        read: Columns to read, in their types; the first one is kept.
        function: What to map.
        workers: Processes that map, one CPU each.
    """
    made = pa.schema(
        [(PLACE, pa.int64()), read.field(0), (NOTE, pa.large_binary()), *function.schema]
    )
    kind = daft.DataType.struct(
        {field.name: daft.DataType.from_arrow_type(field.type) for field in made}
    )
    method = daft.method.batch(return_dtype=kind, unnest=True, batch_size=BATCH)
    mapper = type("Mapper", (Mapper,), {"map": method(Mapper.map)})
    workers_of = daft.cls(mapper, cpus=1, max_concurrency=workers)
    mapped = workers_of(dict(function.files), function.lookup, read)
    columns = [daft.col(name) for name in read.names]
    return Source(groups, read).read().select(mapped.map(daft.col(PLACE), *columns))
