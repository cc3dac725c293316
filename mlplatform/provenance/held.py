"""What leases hold: the versions they name, everything these were made from, and every artifact of all of them."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from mlplatform.lake.vacuum import Held
from mlplatform.provenance.leases import leases
from mlplatform.provenance.named import Named

if TYPE_CHECKING:
    from mlplatform.lake import Lake, Version
    from mlplatform.spec import Pipeline

Pairs = Iterable[tuple[str, str]]  # Table and `Version.reference`.


class Origins:
    """Walks from versions to all that they were made from; each log is read once.

    Attributes:
        lost: What was named and is not there: its table was made anew, or never was.
    """

    def __init__(self, lake: "Lake") -> None:
        self._lake = lake
        self._tables: dict[str, dict[str, Version]] = {}
        self.lost: set[str] = set()

    def of(self, named: Pairs) -> dict[tuple[str, str], "Version"]:
        """Return the versions named and all before them, by table and reference.

        Raises:
            CorruptionError: If a log is damaged: what is held is not known then.
        """
        found: dict[tuple[str, str], Version] = {}
        waiting = list(named)
        while waiting:
            table, reference = pair = waiting.pop()
            version = None if pair in found else self._versions(table).get(reference)
            if version is not None:
                found[pair] = version
                waiting.extend(version.lineage.inputs.items())
            elif pair not in found:
                self.lost.add(f"{table} {reference}")
        return found

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

    Tables of any other pipeline are held whole: nobody says what of them is needed.

    Args:
        lake: Where everything is.
        pipelines: Those declared.
        now: The time, in UTC.
        grace_days: Instead of what each pipeline's `retention.grace_days` says.

    Raises:
        CorruptionError: If a log is damaged: what is held is not known then.
    """
    active = [one for p in pipelines for one in leases(lake, p, now) if one.holds(now)]
    origins, versions = Origins(lake), _Reasons()
    artifacts: defaultdict[str, list[str]] = defaultdict(list)
    for lease in active:
        for found in origins.of(lease.versions).values():
            versions[found.table][found.number].append(lease.reason)
        for digest in lease.artifacts:
            artifacts[digest].append(lease.reason)
    own = {pipeline.name: pipeline for pipeline in pipelines}
    tables = lake.tables()
    strange = [name for name in tables if name.partition("/")[0] not in own]
    grace = {
        name: timedelta(days=_grace(own[name.partition("/")[0]], grace_days))
        for name in tables
        if name not in strange
    }
    return Held(
        versions=versions,
        names=Named(lake, artifacts, strange),
        whole={name: _undeclared(name) for name in strange},
        grace=grace,
    ), sorted(origins.lost)


class _Reasons(defaultdict[str, defaultdict[int, list[str]]]):
    """Reasons by table and version number."""

    def __init__(self) -> None:
        super().__init__(lambda: defaultdict(list))


def _grace(pipeline: "Pipeline", asked: float | None) -> float:
    return pipeline.spec.retention.grace_days if asked is None else asked


def _undeclared(table: str) -> str:
    owner = table.partition("/")[0]
    return f"no pipeline {owner!r} is declared here, so nobody says what of it is needed"
