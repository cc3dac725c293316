"""Vacuum: removes what no lease holds: files of old versions, artifacts, and what killed writers left.

The log stays whole: without its entry a kept file could not be found. What goes is written down
before it goes, and a vacuum that was killed is ended by the next one.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from mlplatform.errors import PlatformError
from mlplatform.lake import clock, faults, journal, names
from mlplatform.lake.artifacts import FOLDER, MANIFEST
from mlplatform.lake.garbage import TableGarbage, garbage, whole
from mlplatform.lake.journal import Freed, FreedTable
from mlplatform.lake.storage import Storage

if TYPE_CHECKING:
    from mlplatform.lake.lake import Lake
    from mlplatform.lake.version import Version

GRACE = timedelta(days=7)  # As Delta's own VACUUM keeps removed files (168 hours).
SIGNATURES = "_signatures"
_REMOVERS = 16  # Concurrent requests; on S3 each file is one.

# From the versions that stay, by table, to why each artifact that they name stays.
Names = Callable[[Mapping[str, Collection["Version"]]], Mapping[str, Sequence[str]]]


@dataclass(frozen=True, kw_only=True)
class Held:
    """What something holds.

    Attributes:
        versions: Reasons, by table and version number.
        names: Says which artifacts the versions that stay need.
        whole: Why everything of a table stays, by table.
        every_artifact: Why every artifact stays; empty where `names` says all.
        grace: How long readers and writers of a table may take; `GRACE` where it is not said.
    """

    versions: Mapping[str, Mapping[int, Sequence[str]]]
    names: Names
    whole: Mapping[str, str] = field(default_factory=dict)
    every_artifact: str = ""
    grace: Mapping[str, timedelta] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What a vacuum would remove, and what it keeps and why.

    Attributes:
        at: When it was planned, in UTC.
        grace: The longest of all tables; artifacts have it.
        tables: Each table.
        artifacts: Bytes of each artifact that would go, by digest.
        kept_artifacts: Why each other artifact stays.
        remains: Folders that killed writers of artifacts left, and signatures of none.
        whole_lake: Whether it is about artifacts and all tables.
    """

    at: datetime
    grace: timedelta
    tables: Sequence[TableGarbage]
    artifacts: Mapping[str, int] = field(default_factory=dict)
    kept_artifacts: Mapping[str, Sequence[str]] = field(default_factory=dict)
    remains: Sequence[str] = ()
    whole_lake: bool = False

    @property
    def bytes(self) -> int:
        """Bytes that would be freed."""
        return sum(table.bytes for table in self.tables) + sum(self.artifacts.values())

    @property
    def empty(self) -> bool:
        """Whether nothing would go."""
        return not (self.artifacts or self.remains or any(t.files for t in self.tables))


def plan(lake: "Lake", held: Held, *, now: datetime, tables: Sequence[str] | None = None) -> Plan:
    """Return what would go; nothing is written.

    Args:
        lake: Whose.
        held: What something holds.
        now: The time, in UTC.
        tables: These tables alone, and no artifacts; by default all of both.

    Raises:
        LakeError: If the clock stands before a commit or the last vacuum.
        CorruptionError: If a log is damaged: what its versions need is not known then.
    """
    storage = lake._storage  # noqa: SLF001 - this room's own.
    last = next(journal.history(storage), None)
    if last is not None:
        clock.require_after("the last vacuum", last.at, now)
    grace = max([*held.grace.values(), *([] if held.grace else [GRACE])])

    freed = journal.freed_files(storage)

    def of(name: str) -> TableGarbage:
        if name in held.whole:
            return whole(lake.table(name), held.whole[name])
        mine, mine_freed = held.versions.get(name, {}), freed.get(name, set())
        mine_grace = held.grace.get(name, GRACE)
        return garbage(lake.table(name), mine, now=now, grace=mine_grace, freed=mine_freed)

    seen = [of(name) for name in (lake.tables() if tables is None else tables)]
    if tables is not None:
        return Plan(at=now, grace=grace, tables=seen)
    kept = held.names({table.table: [each.version for each in table.kept] for table in seen})
    seen += [left for name in lake.begun() if (left := of(name)).files]
    planned = Plan(at=now, grace=grace, tables=seen)
    return _with_artifacts(planned, storage, kept, held.every_artifact)


def carry_out(
    lake: "Lake", planned: Plan, by: str, again: Callable[[], Held] | None = None
) -> Plan:
    """Remove what was planned, each file once it is written down; return what of it went.

    Args:
        lake: Whose.
        planned: What to remove.
        by: Who asks.
        again: Says once more what is held, once everything is written down; what is held by then
            is neither removed nor on record.

    Raises:
        LakeError: If the clock differs from the storage's, or the storage refuses; what went by then
            is on record, and the next vacuum ends it.
        CorruptionError: If what is held `again` is not known; nothing was removed then.
    """
    storage = lake._storage  # noqa: SLF001 - this room's own.
    clock.require_storage(storage, planned.at)
    path = journal.write(storage, _record(planned, by))
    faults.point("vacuum_recorded")
    if again is not None:
        try:
            planned, before = _still(lake, planned, again()), planned
        except PlatformError:
            storage.remove(path)
            raise
        if planned != before:
            journal.write(storage, _record(planned, by))
            storage.delete(path)
    files = (f"{table.table}/{file}" for table in planned.tables for file in table.files)
    _each(storage, storage.delete, files)
    since = planned.at - planned.grace
    _each(storage, lambda digest: _remove_artifact(storage, digest, since), planned.artifacts)
    _each(storage, lambda folder: storage.delete_folder(folder, first=MANIFEST), planned.remains)
    return planned


def _record(planned: Plan, by: str) -> Freed:
    return Freed(
        at=planned.at,
        by=by,
        grace_days=planned.grace / timedelta(days=1),
        bytes=planned.bytes,
        tables={
            t.table: FreedTable(versions=t.freed, files=tuple(t.files))
            for t in planned.tables
            if t.files
        },
        artifacts=tuple(planned.artifacts),
    )


def _still(lake: "Lake", planned: Plan, held: Held) -> Plan:
    """Return what of a plan would go by what is held now."""
    mine = None if planned.whole_lake else [table.table for table in planned.tables]
    now = plan(lake, held, now=planned.at, tables=mine)
    tables = {table.table: table for table in now.tables}
    return replace(
        planned,
        tables=[t.but(tables[t.table]) for t in planned.tables if t.table in tables],
        artifacts={d: size for d, size in planned.artifacts.items() if d in now.artifacts},
        remains=tuple(each for each in planned.remains if each in now.remains),
    )


def _with_artifacts(
    plan: Plan, storage: Storage, kept: Mapping[str, Sequence[str]], every: str
) -> Plan:
    """Return the plan with the artifacts that nothing names and the remains of killed writers."""
    since, folders = plan.at - plan.grace, storage.folders(FOLDER)
    stored = [name for name in folders if names.is_digest(name)]
    kept = {**dict.fromkeys(stored, (every,)), **kept} if every else kept
    loose = {
        digest: _old_bytes(storage, f"{FOLDER}/{digest}", since)
        for digest in stored
        if digest not in kept
    }
    remains = [f"{FOLDER}/{name}" for name in folders if name.startswith(".")]
    remains += [f"{SIGNATURES}/{n}" for n in storage.folders(SIGNATURES) if n not in stored]
    return replace(
        plan,
        whole_lake=True,
        artifacts={digest: size for digest, size in loose.items() if size is not None},
        kept_artifacts={
            digest: kept.get(digest, ("young",)) for digest in stored if loose.get(digest) is None
        },
        remains=tuple(each for each in remains if _old_bytes(storage, each, since) is not None),
    )


def _old_bytes(storage: Storage, folder: str, since: datetime) -> int | None:
    """Return the bytes of a folder of which nothing was written since; else None."""
    files = storage.listing(folder).values()
    if any(file.modified >= since for file in files):
        return None
    return sum(file.bytes for file in files)


def _remove_artifact(storage: Storage, digest: str, since: datetime) -> None:
    """Remove an artifact and its signatures, unless somebody stored it again meanwhile."""
    if storage.delete_old_folder(f"{FOLDER}/{digest}", since, first=MANIFEST):
        storage.delete_old_folder(f"{SIGNATURES}/{digest}", since, first=MANIFEST)


def _each(storage: Storage, remove: Callable[[str], None], paths: Iterable[str]) -> None:
    def removed(path: str) -> None:
        remove(path)
        faults.point("vacuum_removed")

    if not storage.uncertain:
        for path in paths:
            removed(path)
        return
    with ThreadPoolExecutor(_REMOVERS) as pool:  # A remote place: one round trip each.
        list(pool.map(removed, paths))
