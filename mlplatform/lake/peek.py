"""A look into a table with a long log: single commits and small files, read without listing it all.

`Table` lists the whole log and opens a dataset, which is right for data and slow for a command that wants one row of
ten thousand versions. Here one version costs one log entry and its files, each verified against what the entry says.
"""

import hashlib
import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from mlplatform.errors import CorruptionError, FreedError, LakeError
from mlplatform.lake import journal
from mlplatform.lake.commit import APPEND, COMPACT, Commit, DamagedError, DataFile, parse
from mlplatform.lake.storage import Storage, log_file

if TYPE_CHECKING:
    import pyarrow as pa

EPOCH = datetime(
    1970, 1, 1, tzinfo=UTC
)  # Instants of the lake are counted from here, in microseconds.
HINT = (
    "_last_checkpoint"  # Written by Delta: a version that there is, at most 100 behind the newest.
)


class Peek:
    """One table, looked into; get it from `Lake.peek`."""

    def __init__(self, name: str, storage: Storage) -> None:
        self.name, self._storage = name, storage
        self._folder = f"{name}/_delta_log"
        self._commits: dict[int, Commit] = {}

    def newest(self) -> int:
        """Return the newest version's number, -1 when the table does not exist."""
        return self._top(self._hint())

    def commit(self, number: int) -> Commit:
        """Return one commit.

        Raises:
            LakeError: If there is no such version.
            CorruptionError: If its log entry is damaged.
        """
        if number not in self._commits:
            self._commits[number] = self._parsed(number, self.raw(number))
        return self._commits[number]

    def raw(self, number: int) -> bytes:
        """Return the bytes of one log entry, not yet checked; errors as of `commit`."""
        try:
            return self._storage.read(f"{self._folder}/{log_file(max(number, 0))}")
        except FileNotFoundError:
            newest = self.newest()
            if 0 <= number < newest:
                raise self._damaged(number, "is missing") from None
            raise LakeError(
                f"table {self.name} has no version {number}; its newest is {newest}"
            ) from None

    def naming(self, names: Sequence[str], begin: str) -> Iterator[int]:
        """Yield the newest version's commits with one of these facts beginning so, and those that lack the first.

        Log entries are searched as bytes, 10,000 in about 0.2 s on a local disk; only those yielded may hold rows of
        what is sought, and whoever asks has to look. A name must be none that every entry has, such as `kind`.
        Entries that are damaged or missing may be among them, and hide no other.
        """
        newest = self.newest()
        if newest < 0:
            return
        (start, compacted), sought = self._first(newest), begin.encode()
        marks = [f'"{name}":"'.encode() for name in names]
        wanted = [mark + sought for mark in marks]
        if compacted:  # Its facts are those of one of its rows.
            yield start
            start += 1
        for number, raw in self._raw(range(start, newest + 1)):
            if marks[0] not in raw or (sought in raw and any(each in raw for each in wanted)):
                yield number

    def added(self, number: int, columns: Sequence[str] | None = None) -> "pa.Table":
        """Return the rows that one commit added, in written order; from a compaction where its own file was freed.

        Raises:
            LakeError: If there is no such version or column.
            FreedError: If a vacuum removed a file, and no compaction holds the rows.
            CorruptionError: If a file is missing or differs from what was written, or a log entry that may be
                the compaction cannot be read.
        """
        commit = self.commit(number)
        try:
            return self._own(commit, columns)
        except FreedError:
            above = self._compaction_above(commit)
            if above is None:
                raise
        count = sum(file.rows for file in commit.files)
        rows = self.added(above.version.number, columns)
        return rows.slice(commit.version.rows - count, count)

    def listed(self, number: int) -> list[dict[str, Any]]:
        """Return the rows that one commit added as mappings, which never imports pandas; errors as of `added`."""
        return listed(self.added(number))

    def rows(self, number: int, columns: Sequence[str] | None = None) -> "pa.Table":
        """Return all rows of a version, in written order, by its compaction if it has one; errors as of `added`."""
        import pyarrow as pa

        commit = self.commit(number)
        try:
            above = self._next(commit)
        except CorruptionError:  # It may be the compaction; the version's own files may be there.
            above = None
        if above is not None and above.kind == COMPACT:
            return self._own(above, columns)
        try:
            return pa.concat_tables(
                [self._own(self.commit(each), columns) for each in self.chain(number)]
            )
        except FreedError:
            self._next(commit)  # Where it is damaged, that is why.
            raise

    def chain(self, number: int) -> range:
        """Return the numbers of the commits whose files make up a version, each checked to follow the one before."""
        numbers = range(self.commit(number).base, number + 1)
        for below, above in pairwise(numbers):
            if self.commit(above).parent != self.commit(below).version.reference:
                raise self._damaged(above, "does not follow the version before it")
        return numbers

    def _next(self, commit: Commit) -> Commit | None:
        """Return the commit that was made on this one; None when it is the newest or the next belongs elsewhere.

        Raises:
            CorruptionError: If there is a next log entry, and it cannot be read.
        """
        number = commit.version.number + 1
        if number not in self._commits:
            try:
                data = self._storage.read(f"{self._folder}/{log_file(number)}")
            except FileNotFoundError:
                return None
            self._commits[number] = self._parsed(number, data)
        above = self._commits[number]
        return above if above.parent == commit.version.reference else None

    def _compaction_above(self, commit: Commit) -> Commit | None:
        """Return the next compaction that holds the rows of a commit, if there is one; errors as of `_next`."""
        above = self._next(commit)
        while above is not None and above.kind == APPEND:
            above = self._next(above)
        return above if above is not None and above.kind == COMPACT else None

    def _own(self, commit: Commit, columns: Sequence[str] | None) -> "pa.Table":
        """Return the rows of a commit's own files."""
        import pyarrow as pa

        number = commit.version.number
        return pa.concat_tables([self._file(file, number, columns) for file in commit.files])

    def _first(self, number: int) -> tuple[int, bool]:
        """Return a version's first commit, or where damage hides it an earlier one, and whether it compacts."""
        while number >= 0:
            try:
                number = self.commit(number).base
                return number, self.commit(number).kind == COMPACT
            except CorruptionError:
                number -= 1
        return 0, False

    def _raw(self, numbers: range) -> Iterator[tuple[int, bytes]]:
        """Yield number and bytes of log entries, none of one that is missing."""
        names, at = [log_file(number) for number in numbers], 0
        while at < len(names):
            try:
                for raw in self._storage.read_all(self._folder, names[at:]):
                    yield numbers[at], raw
                    at += 1
            except FileNotFoundError:
                yield numbers[at], b""
                at += 1

    def _hint(self) -> int:
        try:
            return int(json.loads(self._storage.read(f"{self._folder}/{HINT}"))["version"])
        except (FileNotFoundError, ValueError, TypeError, KeyError):
            return 0

    def _top(self, since: int) -> int:
        after = log_file(since - 1) if since > 0 else ""
        names = [n for n in self._storage.entries(self._folder, after) if _is_entry(n)]
        if since > 0 and not names:
            return self._top(0)  # The hint is of a table that was made anew.
        return int(max(names).partition(".")[0]) if names else -1

    def _parsed(self, number: int, data: bytes) -> Commit:
        try:
            return parse(self.name, number, data)
        except DamagedError as wrong:
            raise self._damaged(number, str(wrong)) from wrong

    def _damaged(self, number: int, why: str) -> CorruptionError:
        where = self._storage.uri(f"{self._folder}/{log_file(number)}")
        return CorruptionError(f"log entry {where} {why}; restore it")

    def _file(self, file: DataFile, number: int, columns: Sequence[str] | None) -> "pa.Table":
        import pyarrow as pa
        import pyarrow.parquet as pq

        path = f"{self.name}/{file.path}"
        try:
            data = self._storage.read(path)
        except FileNotFoundError:
            raise journal.missing_file(
                self._storage, self.name, file.path, number, number
            ) from None
        if hashlib.sha256(data).hexdigest() != file.sha256:
            raise CorruptionError(
                f"{self._storage.uri(path)} (version {number} of {self.name}) is damaged: expected "
                f"sha256 {file.sha256}; restore it"
            )
        return pq.ParquetFile(pa.BufferReader(data)).read(columns)


def listed(table: "pa.Table") -> list[dict[str, Any]]:
    """Return what `pyarrow.Table.to_pylist` does, which imports pandas (1 s) where there are instants."""
    columns = {name: _values(table.column(name)) for name in table.column_names}
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def _values(column: "pa.ChunkedArray") -> list[Any]:
    import pyarrow as pa
    import pyarrow.types as pt

    if not pt.is_timestamp(column.type):
        values: list[Any] = column.to_pylist()
        return values
    counted = [each for chunk in column.chunks for each in chunk.view(pa.int64()).to_pylist()]
    return [None if each is None else EPOCH + timedelta(microseconds=each) for each in counted]


def _is_entry(name: str) -> bool:
    return len(name) == len(log_file(0)) and name.endswith(".json") and name[:20].isdigit()
