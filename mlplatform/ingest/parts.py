"""What a landing is made of: parts to read, in order, and what becomes of them."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import pyarrow as pa

from mlplatform.errors import CorruptionError
from mlplatform.ingest.chunk import Chunk, rejected_batch
from mlplatform.ingest.landed import File, Landed

if TYPE_CHECKING:
    from mlplatform.lake import Table


class Part(Protocol):
    """One file, batch or version of a source: what lands once or not at all."""

    @property
    def name(self) -> str:
        """Return what its rows have as `source_file`."""

    def chunks(self) -> Iterator[Chunk]:
        """Read it from its beginning, in constant memory.

        Raises:
            SourceError: If it cannot be read, or changed meanwhile.
        """

    def file(self, rows: int, content: str) -> File:
        """Return what is to be remembered once every chunk was read.

        Args:
            rows: How many rows the chunks had.
            content: A digest of rows and rejected records, for what has no bytes to tell it by.
        """


def _accept(file: File) -> None:
    """Refuse nothing."""


def _never(files: Sequence[File]) -> bool:
    return False


@dataclass(frozen=True)
class Plan:
    """What to do: append each part by itself, or make all of them the whole table at once.

    Attributes:
        parts: What to read, in the order of the table.
        replace: Whether they become the whole table, in one commit.
        check: Called about each part that was read, before anything is committed; may refuse it.
        unless: Tells, about all that was read, that there is nothing to land.
        follow: Whether it is recorded how far the source was read even when nothing is to land.
        mark: How far the source was read, where it is not what the last part says.
        withdrawn: Of a replacement: names that do not land again.
    """

    parts: Iterable[Part] = ()
    replace: bool = False
    check: Callable[[File], None] = _accept
    unless: Callable[[Sequence[File]], bool] = _never
    follow: bool = False
    mark: str = ""
    withdrawn: Sequence[str] = ()


class Kept:
    """Rows that the table holds already and that stay as they are."""

    def __init__(self, known: File, rows: "TableRows") -> None:
        self._known, self._rows = known, rows

    @property
    def name(self) -> str:
        """Return the file's name."""
        return self._known.name

    def chunks(self) -> Iterator[Chunk]:
        """Read the rows from the table."""
        nothing = rejected_batch(self.name, [])
        for batch in self._rows.of(self.name):
            yield Chunk(rows=batch, rejected=nothing)

    def file(self, rows: int, content: str) -> File:
        """Return what was known before."""
        return self._known


class TableRows:
    """A version's rows file by file; asked in the table's order, it reads the table once."""

    def __init__(self, table: "Table", landed: Landed) -> None:
        self._table, self._landed = table, landed
        self._begins: dict[str, int] = {}
        position = 0
        for file in landed.files.values():
            self._begins[file.name] = position
            position += file.rows
        self._batches: Iterator[pa.RecordBatch] = iter(())
        self._held: pa.RecordBatch | None = None
        self._position = position + 1  # Behind every row: the first question opens the table.

    def of(self, name: str) -> Iterator[pa.RecordBatch]:
        """Yield the rows of one file."""
        begin, left = self._begins[name], self._landed.files[name].rows
        if begin < self._position:
            self._batches = self._table.batches(self._landed.newest)
            self._held, self._position = None, 0
        self._skip(begin - self._position)
        while left:
            batch = self._next(left)
            left -= batch.num_rows
            self._require(batch, name)
            yield batch

    def _require(self, batch: pa.RecordBatch, name: str) -> None:
        files = batch.column("source_file")
        if {files[0].as_py(), files[-1].as_py()} != {name}:
            raise CorruptionError(
                f"{self._table.name}: the rows of {name} are not where its log says; land it anew"
            )

    def _skip(self, rows: int) -> None:
        while rows:
            rows -= self._next(rows).num_rows

    def _next(self, most: int) -> pa.RecordBatch:
        batch = self._held if self._held is not None else next(self._batches)
        self._held = batch.slice(most) if batch.num_rows > most else None
        taken = batch.slice(0, most)
        self._position += taken.num_rows
        return taken
