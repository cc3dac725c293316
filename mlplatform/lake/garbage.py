"""Which versions of a table stay, and which of its files no version that stays has."""

import re
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from typing import TYPE_CHECKING

from mlplatform.lake import clock
from mlplatform.lake.commit import COMPACT, Commit, DataFile
from mlplatform.lake.storage import Stored, log_file

if TYPE_CHECKING:
    from mlplatform.lake.table import Table
    from mlplatform.lake.version import Version

PART = re.compile(
    r"part-[0-9a-f]{32}\.parquet"
)  # What the lake writes; another's files are let be.
NEWEST = "newest"
NEVER = datetime.max.replace(tzinfo=UTC)  # Since then nobody reads.


@dataclass(frozen=True)
class Kept:
    """A version that stays readable, and everything that holds it."""

    version: "Version"
    because: Sequence[str]


@dataclass(frozen=True, kw_only=True)
class TableGarbage:
    """What a vacuum would do to a table.

    Attributes:
        table: Its name.
        kept: The versions that stay readable because something holds them, oldest first.
        versions: How many versions there are.
        freed: Numbers of the versions that can be read now and could not any more.
        files: Name and bytes of each file that would go.
        uncommitted: How many of them no commit names: what killed writers left.
        kept_bytes: Bytes of the files that stay.
        missing: Files of kept versions that are not there.
    """

    table: str
    kept: Sequence[Kept]
    versions: int
    freed: tuple[int, ...] = ()
    files: Mapping[str, int]
    uncommitted: int = 0
    kept_bytes: int = 0
    missing: tuple[str, ...] = ()

    @property
    def bytes(self) -> int:
        """Bytes that would be freed."""
        return sum(self.files.values())

    def but(self, again: "TableGarbage") -> "TableGarbage":
        """Return this with only those files and versions that would go `again`."""
        files = {name: size for name, size in self.files.items() if name in again.files}
        freed = tuple(number for number in self.freed if number in again.freed)
        return replace(self, files=files, freed=freed)


def garbage(
    table: "Table",
    held: Mapping[int, Sequence[str]],
    *,
    now: datetime,
    grace: timedelta,
    freed: AbstractSet[str] = frozenset(),
) -> TableGarbage:
    """Return what goes: files of no version that is held, the newest, or was the newest within `grace`.

    A file younger than `grace` stays whatever it is: its commit may be under way. Where nothing was
    committed all files are what killed writers left.

    Args:
        table: Whose.
        held: Version numbers that something holds, with reasons.
        now: The time, in UTC.
        grace: How long readers and writers may take.
        freed: Names of files that vacuums freed; a version without them is not kept by the grace.

    Raises:
        LakeError: If the clock stands before a commit, or the storage cannot be read.
        CorruptionError: If an entry of the log is damaged or missing.
    """
    storage, name = table._storage, table.name  # noqa: SLF001 - this room's own.
    commits = list(table._log.newest_first())[::-1]  # noqa: SLF001
    times = _times(commits, storage.listing(f"{name}/_delta_log"))
    if commits:
        clock.require_after(f"version {commits[-1].version.number} of {name}", times[-1], now)
    stored = {f: s for f, s in storage.listing(name).items() if PART.fullmatch(f)}
    past = _unreadable(commits, _named(commits) - (freed - stored.keys()))
    kept = _kept(commits, times, held, now - grace, past)
    needed = _needed(commits, times, kept, now - grace)
    gone = _gone(stored, needed, now - grace)
    lost = _unreadable(commits, stored.keys() - gone) - _unreadable(commits, stored.keys())
    return TableGarbage(
        table=name,
        kept=[Kept(commits[number].version, why) for number, why in kept.items()],
        versions=sum(commit.kind != COMPACT for commit in commits),
        freed=tuple(sorted(lost - kept.keys())),
        files=gone,
        uncommitted=len(gone.keys() - _named(commits)),
        kept_bytes=sum(s.bytes for f, s in stored.items() if f not in gone),
        missing=tuple(sorted(_needed(commits, times, kept, NEVER) - stored.keys())),
    )


def whole(table: "Table", why: str) -> TableGarbage:
    """Return that everything of a table stays, and why."""
    versions = table.history()
    return TableGarbage(
        table=table.name,
        kept=[Kept(version, (why,)) for version in reversed(versions)],
        versions=len(versions),
        files={},
        kept_bytes=sum(s.bytes for s in table._storage.listing(table.name).values()),  # noqa: SLF001
    )


def _times(commits: Sequence[Commit], entries: Mapping[str, Stored]) -> list[datetime]:
    """Return when each commit was made, by the later of both clocks, and never before the one below it."""
    stamps = (
        max(c.version.committed_at, entries[log_file(c.version.number)].modified) for c in commits
    )
    return list(accumulate(stamps, max))


def _kept(
    commits: Sequence[Commit],
    times: Sequence[datetime],
    held: Mapping[int, Sequence[str]],
    since: datetime,
    past: AbstractSet[int],
) -> dict[int, tuple[str, ...]]:
    """Return the versions that stay, each with its reasons; those of `past` can be read no more."""
    kept: dict[int, tuple[str, ...]] = {}
    until: datetime | None = None
    for commit, at in zip(reversed(commits), reversed(times), strict=True):
        if commit.kind == COMPACT:
            continue
        number = commit.version.number
        why = list(held.get(number, ()))
        if until is None:
            why.insert(0, NEWEST)
        elif until >= since and number not in past:
            why.append(f"{NEWEST} until {until.isoformat(sep=' ', timespec='minutes')}")
        if why:
            kept[number] = tuple(why)
        until = at
    return dict(sorted(kept.items()))


def _needed(
    commits: Sequence[Commit],
    times: Sequence[datetime],
    kept: Iterable[int],
    since: datetime,
) -> set[str]:
    """Return the files by which the kept versions are read.

    Of a compacted version these are the compaction's; its own too while a reader may be at them.
    """
    tops: dict[int, int] = {}
    needed: set[str] = set()
    for number in kept:
        above = _compaction(commits, number)
        if above is not None:
            needed |= _paths(above.files)
        if above is None or times[above.version.number] >= since:
            base = commits[number].base
            tops[base] = max(tops.get(base, number), number)
    for base, top in tops.items():
        needed |= {path for commit in commits[base : top + 1] for path in _paths(commit.files)}
    return needed


def _unreadable(commits: Sequence[Commit], there: AbstractSet[str]) -> set[int]:
    """Return the versions that cannot be read from the files that are there."""
    found, broken = set[int](), set[int]()
    for number, commit in enumerate(commits):
        if not _paths(commit.files) <= there:
            broken.add(commit.base)
        above = _compaction(commits, number)
        lost = commit.base in broken if above is None else not _paths(above.files) <= there
        if commit.kind != COMPACT and lost:
            found.add(number)
    return found


def _gone(stored: Mapping[str, Stored], needed: set[str], since: datetime) -> dict[str, int]:
    old = {name: file for name, file in stored.items() if file.modified < since}
    return {name: file.bytes for name, file in old.items() if name not in needed}


def _named(commits: Iterable[Commit]) -> set[str]:
    return {path for commit in commits for path in _paths(commit.files)}


def _compaction(commits: Sequence[Commit], number: int) -> Commit | None:
    above = commits[number + 1] if number + 1 < len(commits) else None
    return above if above is not None and above.kind == COMPACT else None


def _paths(files: Iterable[DataFile]) -> set[str]:
    return {file.path for file in files}
