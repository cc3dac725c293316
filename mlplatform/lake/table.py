"""A Delta table: versions written exactly once, read as snapshots, counted from the log."""

import hashlib
import json
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from mlplatform.errors import CorruptionError, LakeError
from mlplatform.lake import faults
from mlplatform.lake.commit import APPEND, COMPACT, OVERWRITE, Batch, Commit, compose
from mlplatform.lake.log import Log
from mlplatform.lake.storage import Storage
from mlplatform.lake.transaction import UnknownOutcomeError, commit_once
from mlplatform.lake.version import Lineage, Version

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.compute as pc


class Table:
    """One table of a lake; get it from `Lake.table`."""

    def __init__(self, name: str, storage: Storage, log: Log) -> None:
        self.name, self._storage, self._log = name, storage, log

    @property
    def uri(self) -> str:
        """Absolute path or URI of the Delta table."""
        return self._storage.uri(self.name)

    def exists(self) -> bool:
        """Whether anything was ever committed."""
        return self._log.latest() is not None

    def latest(self) -> Version | None:
        """Return the newest version, or `None` when there is none; reads a log entry or two."""
        commit = self._log.latest()
        return self._log.compacted(commit).version if commit else None

    def version(self, number: int) -> Version:
        """Return one version, by the number of a compaction the compacted one; `LakeError` when there is none."""
        return self._log.compacted(self._log.commit(number)).version

    def history(self) -> list[Version]:
        """Return every version, newest first; a compaction is none, so numbers may have gaps."""
        return [c.version for c in self._log.newest_first() if c.kind != COMPACT]

    def tips(self, versions: "Collection[Version]") -> list[Version]:
        """Return those of these versions whose rows are not the beginning of a later one's, newest first."""
        bases = {c.version.number: c.base for c in self._log.newest_first()} if versions else {}
        tips: dict[int, Version] = {}
        for version in sorted(versions, key=lambda version: -version.number):
            tips.setdefault(bases[version.number], version)
        return list(tips.values())

    def landed(self, tokens: Iterable[str]) -> dict[str, Version]:
        """Return the version that each of these append tokens made; others are left out."""
        return {token: commit.version for token, commit in self._log.find(tokens, 0).items()}

    def overwrite(
        self,
        data: "pa.Table | pa.RecordBatchReader",
        lineage: Lineage,
        *,
        expected: int | None = None,
    ) -> Version:
        """Make `data` the table's whole content.

        When the newest version has this content by the same recipe (or, without a recipe, by the
        same run from the same inputs), it is returned and nothing is committed: a repeated step
        adds no version.

        Args:
            data: The rows; a reader is streamed in constant memory.
            lineage: Who writes, and from what.
            expected: Number of the version this replaces, -1 for no table yet; `None` for any.

        Raises:
            ConcurrentWriteError: If the newest version is not `expected`; nothing is committed.
            LakeError: If a column cannot be stored or the storage refuses.
        """
        source = [lineage.recipe] if lineage.recipe else [lineage.run_id, dict(lineage.inputs)]
        batch = self._written(data)
        says = json.dumps([OVERWRITE, lineage.asset, source, batch.digest], sort_keys=True)
        token = hashlib.sha256(says.encode()).hexdigest()
        return self._commit(OVERWRITE, token, batch, lineage, expected)

    def append(
        self,
        data: "pa.Table | pa.RecordBatchReader",
        lineage: Lineage,
        *,
        token: str,
        expected: int | None = None,
    ) -> Version:
        """Add `data` behind the rows there are, exactly once per `token` however often retried.

        Returns the version that holds them: an earlier one when the token has landed already;
        `data` is not read then.

        Args:
            data: The rows; a reader is streamed in constant memory.
            lineage: Who writes, and from what.
            token: Names this batch for ever.
            expected: Number of the version this is put behind, -1 for no table yet; `None` for any.

        Raises:
            ConcurrentWriteError: If the newest version is not `expected`; nothing is committed.
            LakeError: If the columns differ from the table's or cannot be stored, or the storage
                refuses.
        """
        if not token:
            raise LakeError(f"append to {self.name} needs a token that names this batch for ever")
        landed = self.landed([token]).get(token)
        if landed is not None:
            self._storage.sync_commit(self.name, landed.number)
            return landed
        batch = self._written(data)
        return self._commit(APPEND, token, batch, lineage, expected)

    def read(
        self,
        version: Version | int | None = None,
        columns: Sequence[str] | None = None,
        where: "pc.Expression | None" = None,
    ) -> "pa.Table":
        """Return a version's rows in written order, every file verified; `None` reads the newest.

        Raises:
            LakeError: If there is no such table, version or column.
            CorruptionError: If a file or the log differs from what was written.
        """
        from mlplatform.lake import parquet

        return parquet.read(self._storage, self._commits(version), columns, where)

    def batches(
        self,
        version: Version | int | None = None,
        columns: Sequence[str] | None = None,
        batch_rows: int = 65_536,
        *,
        dictionaries: bool = False,
    ) -> "Iterator[pa.RecordBatch]":
        """Yield a version's rows in written order, `batch_rows` at a time; errors as in `read`.

        With `dictionaries`, strings stay encoded as they are stored, which is faster, and batches
        also end where the dictionaries do: with each group of 262,144 rows and each file.
        """
        from mlplatform.lake import parquet

        commits = self._commits(version)
        return parquet.batches(
            self._storage, commits, columns, batch_rows, dictionaries=dictionaries
        )

    def files(self, version: Version | int | None = None) -> list[str]:
        """Return paths or URIs of a version's Parquet files, in written order."""
        return [
            self._storage.uri(f"{self.name}/{file.path}")
            for commit in self._commits(version)
            for file in commit.files
        ]

    def parquet(self, version: Version | int | None = None) -> "tuple[Any, list[str], pa.Schema]":
        """Return a pyarrow filesystem, a version's Parquet files in it in written order, and their columns.

        Every file has been verified; for readers on other machines, which cannot.

        Raises:
            LakeError: If there is no such table or version.
            CorruptionError: If a file or the log differs from what was written.
        """
        from mlplatform.lake import parquet

        return parquet.files(self._storage, self._commits(version))

    def rows_added_since(self, number: int) -> int:
        """Return rows added minus rows removed by the commits after version `number` (-1: by all).

        Each commit carries its row count, so two log entries answer, at any age of the table.
        """
        newest = self.latest()
        if newest is None:
            return 0
        return newest.rows - (self.version(number).rows if number >= 0 else 0)

    def _commits(self, version: Version | int | None) -> list[Commit]:
        if version is None:
            newest = self.latest()
            if newest is None:
                raise LakeError(f"there is no table {self.name} at {self.uri}")
            version = newest
        if isinstance(version, int):
            return self._log.chain(version)
        chain = self._log.chain(version.number)
        if chain[-1].version.digest != version.digest:
            raise LakeError(
                f"table {self.name} holds {chain[-1].version.reference}, not {version.reference}; "
                "it was made anew since"
            )
        return chain

    def _written(self, data: "pa.Table | pa.RecordBatchReader") -> Batch:
        from mlplatform.lake import parquet

        if self._log.latest() is None:
            self._require_room()
        batch = parquet.write(self._storage, self.name, data)
        faults.point("data_written")
        return batch

    def _commit(
        self, kind: str, token: str, batch: Batch, lineage: Lineage, expected: int | None
    ) -> Version:
        def composed(parent: Commit | None) -> Commit:
            if kind == APPEND and parent is not None and parent.columns != batch.columns:
                raise LakeError(_difference(self.name, parent, batch))
            return compose(kind, self.name, token, batch, lineage, parent)

        data_file = f"{self.name}/{batch.file.path}"
        try:
            commit = commit_once(
                self._storage,
                self._log,
                token,
                batch,
                composed,
                whole_log=kind == APPEND,
                expected=expected,
            )
        except (UnknownOutcomeError, CorruptionError):
            raise  # The file may be named by a commit.
        except LakeError:
            self._storage.remove(data_file)
            raise
        if batch.file not in commit.files:  # Another attempt with our token was first.
            self._storage.remove(data_file)
        return commit.version

    def _require_room(self) -> None:
        """Refuse a table inside another one: cleaning the outer would delete the inner's files."""
        parts = self.name.split("/")
        for outer in ("/".join(parts[:n]) for n in range(1, len(parts))):
            if "_delta_log" in self._storage.folders(outer):
                raise LakeError(f"table {self.name} would lie inside table {outer}; rename one")
        inner = [name for name in self._storage.folders(self.name) if not name.startswith("_")]
        if inner:
            raise LakeError(
                f"table {self.name} would hold table {self.name}/{inner[0]}; rename one"
            )


def _difference(table: str, parent: Commit, batch: Batch) -> str:
    old, new = dict(parent.columns), dict(batch.columns)
    said = [f"{name} is missing" for name in old if name not in new]
    said += [f"{name} is new" for name in new if name not in old]
    both = (name for name in old if name in new and old[name] != new[name])
    said += [f"{name} is {new[name]} instead of {old[name]}" for name in both]
    what = ", ".join(said) or "the order of the columns differs"
    return f"cannot append to table {table}: {what}; append the same columns, or overwrite"
