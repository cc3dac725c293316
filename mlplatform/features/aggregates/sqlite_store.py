"""The online store in one file on this machine: SQLite, read-only once it is written."""

import fcntl
import json
import os
import secrets
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

import pyarrow as pa

from mlplatform.features.aggregates.online import (
    Asked,
    OnlineStoreError,
    require_known,
    runs,
)

_TABLES = """
CREATE TABLE loaded (reference TEXT, aggregates TEXT);
CREATE TABLE entity (aggregate TEXT, entity TEXT, id INTEGER, PRIMARY KEY (aggregate, entity)) WITHOUT ROWID;
CREATE TABLE change (id INTEGER, at INTEGER, value REAL, PRIMARY KEY (id, at)) WITHOUT ROWID;
"""
_LOOKUP = """
SELECT value FROM change WHERE id = (SELECT id FROM entity WHERE aggregate = ? AND entity = ?) AND at <= ?
ORDER BY at DESC LIMIT 1
"""


class SqliteStore:
    """One version a file: a load writes a new one beside it and renames it into its place.

    Readers keep the file they have open until they next look up, so no look-up waits for a load.

    Args:
        path: The file; folders are made.
    """

    def __init__(self, path: Path | str) -> None:
        self._path = Path(path)
        self._lock = threading.Lock()  # Of the connection and what is said about it.
        self._file: tuple[int, int, int] | None = None
        self._connection: sqlite3.Connection | None = None
        self._version: str | None = None
        self._keys: frozenset[str] | None = None

    @property
    def version(self) -> str | None:
        """Reference of the version in the file; None while there is none."""
        with self._lock:
            self._follow()
            return self._version

    @property
    def answered(self) -> str | None:
        """Reference of the version that was last answered from or told; looks at no file."""
        return self._version

    def load(
        self,
        reference: str,
        changes: Iterable[pa.RecordBatch],
        aggregates: Iterable[str] | None = None,
    ) -> None:
        """Put a version in the place of the one there is; see `OnlineStore.load`."""
        keys = None if aggregates is None else json.dumps(sorted(aggregates))
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._loading():
                self._replace((reference, keys), changes)
        except (OSError, sqlite3.Error) as wrong:
            raise OnlineStoreError(f"{self._path} cannot be written: {wrong}") from None

    def lookup(self, aggregate: str, entity: str, at_us: int) -> float | None:
        """Return the value as of an instant; see `OnlineStore.lookup`."""
        return self.lookups([(aggregate, entity, at_us)])[0]

    def lookups(self, asked: Sequence[Asked]) -> list[float | None]:
        """Return the values as of some instants; see `OnlineStore.lookups`."""
        with self._lock:
            self._follow()
            require_known(self._version, self._keys, asked)
            assert self._connection is not None  # noqa: S101 - there is a version.
            execute = self._connection.execute
            try:
                found = [execute(_LOOKUP, one).fetchone() for one in asked]
            except sqlite3.DatabaseError as wrong:
                raise OnlineStoreError(f"{self._path}: {wrong}; load it again") from None
        return [row[0] if row else None for row in found]

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
            self._connection = self._file = self._version = None

    def _replace(self, loaded: tuple[str, str | None], changes: Iterable[pa.RecordBatch]) -> None:
        for left in self._path.parent.glob(f".{self._path.name}.*.new"):  # By a killed load.
            left.unlink()
        new = self._path.with_name(f".{self._path.name}.{secrets.token_hex(8)}.new")
        try:
            _write(new, loaded, changes)
            new.replace(self._path)
            _sync(self._path.parent)
        finally:
            new.unlink(missing_ok=True)

    def _follow(self) -> None:
        """Open the file that is there now, unless it is open."""
        try:
            is_now = os.stat(self._path)  # noqa: PTH116 - half the time of Path.stat, at every look-up.
        except FileNotFoundError:
            return
        file = (is_now.st_ino, is_now.st_mtime_ns, is_now.st_size)
        if file == self._file:
            return
        uri = f"{self._path.absolute().as_uri()}?mode=ro&immutable=1"
        try:
            connection = sqlite3.connect(uri, uri=True, check_same_thread=False)
            reference, keys = connection.execute("SELECT * FROM loaded").fetchone()
        except sqlite3.DatabaseError as wrong:
            raise OnlineStoreError(f"{self._path}: {wrong}; remove it and load it again") from None
        if self._connection is not None:
            self._connection.close()
        self._connection, self._file, self._version = connection, file, reference
        self._keys = None if keys is None else frozenset(json.loads(keys))

    @contextmanager
    def _loading(self) -> Iterator[None]:
        with self._path.with_name(f".{self._path.name}.lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)  # Released also by a crash.
            except BlockingIOError:
                raise OnlineStoreError(
                    f"{self._path} is being loaded; try again when that is done"
                ) from None
            yield


def _write(path: Path, loaded: tuple[str, str | None], changes: Iterable[pa.RecordBatch]) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        # Whoever dies leaves a file that nobody reads, so there is no journal to go back by.
        connection.execute("PRAGMA journal_mode = OFF")
        connection.execute("PRAGMA synchronous = OFF")
        connection.executescript(_TABLES)
        connection.execute("BEGIN")
        connection.execute("INSERT INTO loaded VALUES (?, ?)", loaded)
        last, before = 0, ("", "")
        for batch in changes:
            at = batch.column("at").cast(pa.int64()).to_pylist()
            values = batch.column("value").to_pylist()
            for aggregate, entity, begin, end in runs(batch):
                if (aggregate, entity) != before:
                    last, before = last + 1, (aggregate, entity)
                    connection.execute(
                        "INSERT INTO entity VALUES (?, ?, ?)", (aggregate, entity, last)
                    )
                rows = ((last, at[k], values[k]) for k in range(begin, end))
                connection.executemany("INSERT INTO change VALUES (?, ?, ?)", rows)
        connection.execute("COMMIT")
    _sync(path)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
