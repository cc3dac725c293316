"""Batches of a query, a table or a function as a part of a landing: what has no bytes of its own."""

from collections.abc import Callable, Iterator, Sequence

import pyarrow as pa

from mlplatform.ingest.chunk import Chunk
from mlplatform.ingest.conform import conformed
from mlplatform.ingest.landed import File, Landed, reading
from mlplatform.spec import PipelineSpec

BATCH_ROWS = 65_536

Read = Callable[[], Iterator[pa.RecordBatch]]


class BatchPart:
    """Typed batches that land as one.

    Args:
        name: What the rows have as `source_file`.
        read: Opens the batches.
        spec: The declared columns.
        identity: Tells the content where something does before it is read; else the rows do.
        mark: Called after reading: how far the source was read.
    """

    def __init__(
        self,
        name: str,
        read: Read,
        spec: PipelineSpec,
        identity: str = "",
        mark: Callable[[], str] = str,
    ) -> None:
        self._name, self._read, self._spec = name, read, spec
        self._identity, self._mark = identity, mark

    @property
    def name(self) -> str:
        """Return the batch's name."""
        return self._name

    def chunks(self) -> Iterator[Chunk]:
        """Yield the rows, numbered from 1."""
        yield from conformed(self._read(), self._spec, self._name)

    def file(self, rows: int, content: str) -> File:
        """Return what is to be remembered of it."""
        told = self._identity or content
        return File(name=self._name, sha256=told, rows=rows, mark=self._mark())


def same_as(landed: Landed, spec: PipelineSpec) -> Callable[[Sequence[File]], bool]:
    """Return what tells whether the files read are exactly those that the table holds."""

    def same(files: Sequence[File]) -> bool:
        holds = [(file.name, file.sha256) for file in landed.files.values()]
        read = [(file.name, file.sha256) for file in files]
        return landed.newest is not None and landed.reading == reading(spec) and holds == read

    return same


def nothing_new(landed: Landed) -> Callable[[Sequence[File]], bool]:
    """Return what tells whether no record was read, behind what the table holds."""

    def nothing(files: Sequence[File]) -> bool:
        read = sum(file.rows + file.rejected for file in files)
        return landed.newest is not None and not read

    return nothing
