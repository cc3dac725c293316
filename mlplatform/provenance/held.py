"""What leases hold: the versions they name, everything these were made from, and every artifact of all of them."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from mlplatform.errors import LakeError
from mlplatform.lake.vacuum import Held
from mlplatform.provenance.leases import leases, unregistered
from mlplatform.provenance.named import Named

if TYPE_CHECKING:
    from mlplatform.lake import Lake, Version
    from mlplatform.spec import Pipeline

MOST_DAYS = 36_500  # A century: times before it are as good as any.
Pairs = Iterable[tuple[str, str]]  # Table and `Version.reference`.


class Origins:
    """Walks from versions to all that they were made from; each log is read once.

    Args:
        lake: Where the tables are.
    """

    def __init__(self, lake: "Lake") -> None:
        self._lake = lake
        self._tables: dict[str, dict[str, Version]] = {}

    def of(self, named: Pairs) -> tuple["list[Version]", set[str]]:
        """Return the versions named and all before them, and what is named and is not there.

        Raises:
            CorruptionError: If a log is damaged: what is held is not known then.
        """
        found: dict[tuple[str, str], Version] = {}
        waiting, lost = list(named), set[str]()
        while waiting:
            table, reference = pair = waiting.pop()
            version = None if pair in found else self._versions(table).get(reference)
            if version is not None:
                found[pair] = version
                waiting.extend(version.lineage.inputs.items())
            elif pair not in found:
                lost.add(f"{table} {reference}")
        return list(found.values()), lost

    def _versions(self, table: str) -> "dict[str, Version]":
        """Return every version of a table by its reference."""
        if table not in self._tables:
            history = self._lake.table(table).history()
            self._tables[table] = {version.reference: version for version in history}
        return self._tables[table]


def held(
    lake: "Lake", pipelines: Sequence["Pipeline"], now: datetime, grace_days: float | None = None
) -> tuple[Held, Sequence[str]]:
    """Return what the leases of these pipelines hold at a time, and what they name and is not there.

    Tables of any other pipeline are held whole: nobody says what of them is needed. So are those of a
    pipeline of which something is not there, with every artifact: what else that named is not known.

    Args:
        lake: Where everything is.
        pipelines: Those declared.
        now: The time, in UTC.
        grace_days: Instead of what each pipeline's `retention.grace_days` says.

    Raises:
        LakeError: If the grace is none.
        CorruptionError: If a log is damaged: what is held is not known then.
    """
    origins, versions = Origins(lake), _Reasons()
    artifacts: defaultdict[str, list[str]] = defaultdict(list)
    lost = {pipeline.name: set(unregistered(lake, pipeline)) for pipeline in pipelines}
    for lease in (one for p in pipelines for one in leases(lake, p, now) if one.holds(now)):
        found, gone = origins.of(lease.versions)
        lost[lease.pipeline] |= gone
        for version in found:
            versions[version.table][version.number].append(lease.reason)
        for digest in lease.artifacts:
            artifacts[digest].append(lease.reason)
    whole = _whole(lake, lost)
    days = {pipeline.name: _grace(pipeline, grace_days) for pipeline in pipelines}
    everything = sorted({name for names in lost.values() for name in names})
    return Held(
        versions=versions,
        names=Named(lake, artifacts, [name for name in whole if _owner(name) not in days]),
        whole=whole,
        every_artifact=_unknown(everything) if everything else "",
        grace={
            name: timedelta(days=days[_owner(name)])
            for name in (*lake.tables(), *lake.begun())
            if _owner(name) in days
        },
    ), everything


def require_known(lost: Sequence[str]) -> None:
    """Refuse to remove anything while something that leases name is not there.

    Raises:
        LakeError: Naming it.
    """
    if lost:
        more = f" and {len(lost) - 1} more" if len(lost) > 1 else ""
        raise LakeError(
            f"{lost[0]}{more} is needed and not there, and what else it named is not known, so nothing "
            "was removed; restore it, or --despite-lost keeps every table of that pipeline and every "
            "artifact, and frees the rest"
        )


def _whole(lake: "Lake", lost: Mapping[str, Collection[str]]) -> dict[str, str]:
    """Return why a table is held whole, where it is; `lost` says of each declared pipeline what is not there."""
    whole = {}
    for name in lake.tables():
        owner = _owner(name)
        if owner not in lost:
            whole[name] = _undeclared(name)
        elif gone := sorted({*lost[owner], *_of(owner, lost)}):
            whole[name] = _unknown(gone)
    return whole


def _of(owner: str, lost: Mapping[str, Collection[str]]) -> list[str]:
    """Return what is not there of a pipeline's tables, whoever names it."""
    return [name for names in lost.values() for name in names if _owner(name) == owner]


def _owner(table: str) -> str:
    return table.partition("/")[0]


def _unknown(lost: Sequence[str]) -> str:
    return f"{lost[0]} is not there, so what else it named is not known"


class _Reasons(defaultdict[str, defaultdict[int, list[str]]]):
    """Reasons by table and version number."""

    def __init__(self) -> None:
        super().__init__(lambda: defaultdict(list))


def _grace(pipeline: "Pipeline", asked: float | None) -> float:
    if asked is not None and not 0 <= asked <= MOST_DAYS:
        raise LakeError(f"a grace of {asked} days is none; give 0 to {MOST_DAYS:,}")
    return min(pipeline.spec.retention.grace_days, MOST_DAYS) if asked is None else asked


def _undeclared(table: str) -> str:
    return f"no pipeline {_owner(table)!r} is declared here, so nobody says what of it is needed"
