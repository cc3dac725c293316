"""A table's log, read from `_delta_log/*.json` itself.

`DeltaTable.history()` misnumbers versions on a stale handle, and opening a table costs time with
its age; listing what is new in the log and reading one entry costs neither.
"""

import re
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from threading import Lock

from mlplatform.errors import CorruptionError, LakeError
from mlplatform.lake.commit import COMPACT, Commit, DamagedError, parse
from mlplatform.lake.storage import Storage, log_file

_ENTRY = re.compile(r"(\d{20})\.json")
_READERS = 16  # Concurrent requests of a cold scan; a commit on S3 is one round trip.


class _Tokens:
    """The newest commit with each token, among the versions before `until`."""

    def __init__(self) -> None:
        self.commits: dict[str, Commit] = {}
        self.until = 0
        self.lock = Lock()


class Log:
    """The commits of one table; entries never change, so each is read and checked once."""

    def __init__(self, storage: Storage, table: str) -> None:
        self._storage, self.table = storage, table
        self._folder = f"{table}/_delta_log"
        self._stamps: dict[int, str] = {}
        self._commits: dict[int, Commit] = {}
        self._tokens = _Tokens()
        self._lock = Lock()

    def newest(self) -> int:
        """Return the newest version's number, -1 when the table does not exist; one listing."""
        with self._lock:
            top = max(self._stamps, default=-1)
            listed = self._listed(top)
            if top >= 0 and listed.get(top) != self._stamps[top]:  # Made anew behind our back.
                self._stamps, self._commits, self._tokens = {}, {}, _Tokens()
                listed = self._listed(-1)
            self._stamps.update(listed)
            return max(self._stamps, default=-1)

    def latest(self) -> Commit | None:
        """Return the newest commit, or `None` when the table does not exist."""
        number = self.newest()
        return self._load(number) if number >= 0 else None

    def commit(self, number: int) -> Commit:
        """Return one commit.

        Raises:
            LakeError: If there is no such version.
            CorruptionError: If its log entry is damaged.
        """
        return self._range(range(number, number + 1), self.newest())[0]

    def find(self, tokens: Iterable[str], since: int) -> dict[str, Commit]:
        """Return the commits from version `since` on that carry one of these tokens, by token.

        The whole log is walked once: from then on only what is new in it.
        """
        wanted, found = set(tokens), dict[str, Commit]()
        if since == 0 and wanted:
            return self._indexed(wanted)
        for commit in self.newest_first(since) if wanted else ():
            if commit.token in wanted:
                found[commit.token] = commit
                wanted.remove(commit.token)
            if not wanted:
                break
        return found

    def newest_first(self, since: int = 0) -> Iterator[Commit]:
        """Yield the commits down to version `since`, refusing a gap or a damaged entry."""
        newest = self.newest()
        yield from reversed(self._range(range(since, newest + 1), newest))

    def chain(self, number: int) -> list[Commit]:
        """Return the commits whose files make up a version, oldest first; of a compacted one the compaction.

        Raises:
            LakeError: If there is no such version.
            CorruptionError: If a commit is damaged or was not made on the one before it.
        """
        commit = self.commit(number)
        try:
            above = self._compaction(commit)
        except CorruptionError:  # Whoever reads that entry is told; this version may be whole.
            own = self._from_base(commit)
            if self._is_there(own):
                return own
            raise
        return self._from_base(above or commit)

    def as_written(self, number: int) -> list[Commit]:
        """Return the commits that a version was first written by, or of a compaction itself; errors as of `chain`."""
        return self._from_base(self.commit(number))

    def compacted(self, commit: Commit) -> Commit:
        """Return the commit of the version that a compaction compacted; any other commit itself."""
        return self._load(commit.stands_for) if commit.kind == COMPACT else commit

    def _compaction(self, below: Commit) -> Commit | None:
        """Return the commit that holds the rows of a version in fewer files, if there is one.

        Raises:
            CorruptionError: If the next entry cannot be read: it may be one.
        """
        number = below.version.number + 1
        if number > max(self._stamps):
            return None
        above = self._load(number)
        follows = above.kind == COMPACT and above.parent == below.version.reference
        return above if follows else None

    def _is_there(self, commits: Iterable[Commit]) -> bool:
        """Whether the storage holds the files of these commits."""
        stored = self._storage.listing(self.table)
        return all(file.path in stored for commit in commits for file in commit.files)

    def _from_base(self, top: Commit) -> list[Commit]:
        number = top.version.number
        commits = self._range(range(top.base, number + 1), number)
        for below, above in pairwise(commits):
            if above.parent != below.version.reference:
                why = "does not follow the version before it"
                raise self._damaged(above.version.number, why)
        return commits

    def _indexed(self, tokens: Iterable[str]) -> dict[str, Commit]:
        newest, index = self.newest(), self._tokens
        with index.lock:
            for commit in self._range(range(index.until, newest + 1), newest):
                index.commits[commit.token] = commit
                index.until = commit.version.number + 1
            return {token: index.commits[token] for token in tokens if token in index.commits}

    def _listed(self, since: int) -> dict[int, str]:
        names = self._storage.entries(self._folder, log_file(since - 1) if since > 0 else "")
        found = ((_ENTRY.fullmatch(name), stamp) for name, stamp in names.items())
        return {int(match[1]): stamp for match, stamp in found if match}

    def _range(self, numbers: range, newest: int) -> list[Commit]:
        for number in numbers:
            if number not in self._stamps:
                raise self._absent(number, newest)
        unread = [number for number in numbers if number not in self._commits]
        if len(unread) > 1 and self._storage.uncertain:  # A remote place: ask for many at once.
            with ThreadPoolExecutor(_READERS) as pool:
                list(pool.map(self._load, unread))
        return [self._load(number) for number in numbers]

    def _load(self, number: int) -> Commit:
        known = self._commits.get(number)
        if known is not None:
            return known
        try:
            commit = self._parsed(number)
        except DamagedError as error:
            raise self._damaged(number, str(error)) from error
        self._commits[number] = commit
        return commit

    def _parsed(self, number: int) -> Commit:
        try:
            data = self._storage.read(self._path(number))
        except FileNotFoundError as error:
            raise DamagedError("is missing") from error
        return parse(self.table, number, data)

    def _path(self, number: int) -> str:
        return f"{self._folder}/{log_file(number)}"

    def _absent(self, number: int, newest: int) -> LakeError:
        if newest < 0:
            return LakeError(f"there is no table {self.table} at {self._storage.uri(self.table)}")
        if 0 <= number < newest:
            return self._damaged(number, "is missing")
        return LakeError(f"table {self.table} has no version {number}; its newest is {newest}")

    def _damaged(self, number: int, why: str) -> CorruptionError:
        good = self._good_below(number)
        rest = "no version before it can be read"
        if good is not None:
            rest = f"the last good version is {good}"
        return CorruptionError(f"log entry {self._storage.uri(self._path(number))} {why}; {rest}")

    def _good_below(self, number: int) -> int | None:
        for candidate in range(number - 1, -1, -1):
            try:
                self._parsed(candidate)
            except DamagedError:
                continue
            return candidate
        return None
