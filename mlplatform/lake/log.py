"""A table's log, read from `_delta_log/*.json` itself.

`DeltaTable.history()` misnumbers versions on a stale handle, and opening a table costs time with its age; listing the
log and reading one entry costs neither.
"""

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

from mlplatform.errors import CorruptionError, LakeError
from mlplatform.lake.commit import Commit, DamagedError, parse
from mlplatform.lake.storage import Storage, log_file

_SUFFIX, _DIGITS = ".json", 20
_READERS = 16  # Concurrent requests of a cold scan; a commit on S3 is one round trip.


class Log:
    """The commits of one table; entries never change, so each is read and checked once."""

    def __init__(self, storage: Storage, table: str) -> None:
        self._storage, self.table = storage, table
        self._folder = f"{table}/_delta_log"
        self._known: dict[int, tuple[str, Commit]] = {}

    def latest(self) -> Commit | None:
        """Return the newest commit, or `None` when the table does not exist."""
        stamps = self._stamps(max(self._known, default=-1))
        if not stamps and self._known:  # Removed or made anew behind our back.
            self._known.clear()
            stamps = self._stamps(0)
        if not stamps:
            return None
        newest = max(stamps)
        return self._load(newest, stamps[newest])

    def commit(self, number: int) -> Commit:
        """Return one commit.

        Raises:
            LakeError: If there is no such version.
            CorruptionError: If its log entry is damaged.
        """
        return self.commits([number])[0]

    def commits(self, numbers: Iterable[int]) -> list[Commit]:
        """Return the commits with these numbers, in their order; absent and damaged ones as in `commit`."""
        wanted = list(numbers)
        if not wanted:
            return []
        stamps = self._stamps(min(wanted))
        for number in wanted:
            if number not in stamps:
                raise self._absent(number)
        missing = [n for n in wanted if self._known.get(n, ("", None))[0] != stamps[n]]
        if len(missing) > 1 and self._storage.uncertain:
            with ThreadPoolExecutor(_READERS) as pool:
                list(pool.map(lambda n: self._load(n, stamps[n]), missing))
        return [self._load(number, stamps[number]) for number in wanted]

    def find(self, token: str, since: int) -> Commit | None:
        """Return the commit carrying `token` among versions `since` and later."""
        return next((c for c in self.newest_first(since) if c.token == token), None)

    def newest_first(self, since: int = 0) -> Iterator[Commit]:
        """Yield the commits down to version `since`, refusing a gap."""
        numbers = self._stamps(since)
        if numbers:
            yield from reversed(self.commits(range(since, max(numbers) + 1)))

    def lineage_of(self, number: int) -> list[Commit]:
        """Return the commits whose files make up a version, oldest first.

        Raises:
            CorruptionError: If a commit was not made on the one before it.
        """
        chain = self.commits(range(self.commit(number).base, number + 1))
        for below, above in pairwise(chain):
            if above.parent != below.version.reference:
                raise self._damaged(above.version.number, "does not follow the version before it")
        return chain

    def _stamps(self, since: int) -> dict[int, str]:
        after = log_file(since - 1) if since > 0 else ""
        names = self._storage.entries(self._folder, after)
        return {
            int(name[:_DIGITS]): stamp
            for name, stamp in names.items()
            if name.endswith(_SUFFIX)
            and len(name) == _DIGITS + len(_SUFFIX)
            and name[:_DIGITS].isdigit()
        }

    def _load(self, number: int, stamp: str) -> Commit:
        known = self._known.get(number)
        if known is not None and known[0] == stamp:
            return known[1]
        try:
            commit = parse(self.table, number, self._storage.read(self._path(number)))
        except DamagedError as error:
            raise self._damaged(number, str(error)) from error
        self._known[number] = (stamp, commit)
        return commit

    def _path(self, number: int) -> str:
        return f"{self._folder}/{log_file(number)}"

    def _absent(self, number: int) -> LakeError:
        newest = max(self._stamps(0), default=-1)
        if newest < 0:
            return LakeError(f"there is no table {self.table} at {self._storage.uri(self.table)}")
        if 0 <= number < newest:
            return self._damaged(number, "is missing")
        return LakeError(f"table {self.table} has no version {number}; its newest is {newest}")

    def _damaged(self, number: int, why: str) -> CorruptionError:
        good = self._good_below(number)
        rest = (
            "no version before it can be read"
            if good is None
            else f"the last good version is {good}"
        )
        return CorruptionError(f"log entry {self._storage.uri(self._path(number))} {why}; {rest}")

    def _good_below(self, number: int) -> int | None:
        for candidate in range(number - 1, -1, -1):
            try:
                parse(self.table, candidate, self._storage.read(self._path(candidate)))
            except (DamagedError, FileNotFoundError):
                continue
            return candidate
        return None
