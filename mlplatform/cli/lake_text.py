"""What `mlplatform lake` says: for people line by line, and for machines."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mlplatform.lake.compaction import Optimized
    from mlplatform.lake.garbage import Kept, TableGarbage
    from mlplatform.lake.vacuum import Plan
    from mlplatform.provenance.leases import Lease

NEWEST = 20  # Versions of a table and leases of a stage that are told without --all.
REASONS = 3  # Of a version, without --all.
_UNITS = ("B", "kB", "MB", "GB")
_STEP = 1000


def optimized(done: "Optimized") -> str:
    """Return what became of one table, in a line."""
    reached = "" if done.checkpoint is None else f"; checkpoint at log entry {done.checkpoint}"
    if done.compaction is None:
        return f"{done.table}: as it was, {done.because}{reached}"
    before, after = done.bytes
    return (
        f"{done.table}: {done.files[0]} files of {size(before)} are {done.files[1]} of {size(after)}, "
        f"log entry {done.compaction}{reached}"
    )


def planned(plan: "Plan", lost: Sequence[str], *, removed: bool, most: int | None) -> Iterator[str]:
    """Yield what a vacuum would free or has freed, by table, and why what stays does."""
    for table in plan.tables:
        yield from _of_table(table, removed=removed, most=most)
    verb = "freed" if removed else "would be freed"
    if plan.artifacts or plan.kept_artifacts:
        kept, gone = len(plan.kept_artifacts), sum(plan.artifacts.values())
        yield f"artifacts: {kept} kept; {len(plan.artifacts)} {verb}, {size(gone)}"
        yield from (f"  {digest[:16]} {verb}, {size(n)}" for digest, n in plan.artifacts.items())
    if plan.remains:
        yield f"remains of killed writers: {len(plan.remains)} {verb}"
    for name in lost:
        yield (
            f"warning: {name} is needed and not there; all of its pipeline stays, and every artifact; "
            "restore it"
        )
    yield f"{size(plan.bytes)} {verb}" + ("" if removed or plan.empty else "; --yes does it")


def _of_table(table: "TableGarbage", *, removed: bool, most: int | None) -> Iterator[str]:
    verb = "freed" if removed else "would be freed"
    said = f"{table.table}: {len(table.kept)} of {table.versions} versions kept, {size(table.kept_bytes)}"
    if table.files:
        extra = f", {table.uncommitted} of them in no version" if table.uncommitted else ""
        files = f"{len(table.files)} file{'s'[: len(table.files) != 1]}{extra}"
        said += f"; {len(table.freed)} {verb}: {files}, {size(table.bytes)}"
    yield said
    shown = table.kept if most is None else table.kept[-most:]
    if len(shown) < len(table.kept):
        yield f"  {len(table.kept) - len(shown)} older ones are kept too; --all tells why"
    yield from (f"  keeps {kept.version.number}: {_why(kept, most)}" for kept in shown)
    if table.missing:
        yield (
            f"  warning: {len(table.missing)} files of kept versions are missing, such as "
            f"{table.missing[0]}; restore them"
        )


def _why(kept: "Kept", most: int | None) -> str:
    reasons = list(dict.fromkeys(kept.because))
    shown = reasons if most is None else reasons[:REASONS]
    more = len(reasons) - len(shown)
    return "; ".join(shown) + (f"; and {more} more" if more else "")


def as_json(plan: "Plan", lost: Sequence[str], *, removed: bool) -> dict[str, Any]:
    """Return a plan, everything of it."""
    return {
        "at": plan.at.isoformat(),
        "removed": removed,
        "bytes": plan.bytes,
        "tables": [
            {
                "table": t.table,
                "versions": t.versions,
                "kept": {k.version.number: list(dict.fromkeys(k.because)) for k in t.kept},
                "freed": list(t.freed),
                "files": dict(t.files),
                "uncommitted": t.uncommitted,
                "bytes": t.bytes,
                "kept_bytes": t.kept_bytes,
                "missing": list(t.missing),
            }
            for t in plan.tables
        ],
        "artifacts": dict(plan.artifacts),
        "kept_artifacts": {k: list(dict.fromkeys(v)) for k, v in plan.kept_artifacts.items()},
        "remains": list(plan.remains),
        "lost": list(lost),
    }


def leased(found: "Sequence[Lease]", now: datetime, *, most: int | None) -> Iterator[str]:
    """Yield leases by pipeline and stage, the last ones of each."""
    if not found:
        yield "nothing is held: no model, report or reference is there yet"
    stages = dict.fromkeys((one.pipeline, one.stage) for one in found)
    for pipeline, stage in stages:
        mine = [one for one in found if (one.pipeline, one.stage) == (pipeline, stage)]
        shown = mine if most is None else mine[-most:]
        yield f"{pipeline}, {stage}: {len(mine)}"
        if len(shown) < len(mine):
            yield f"  {len(mine) - len(shown)} more; --all tells them"
        yield from (f"  {_lease(one, now)}" for one in shown)


def _lease(one: "Lease", now: datetime) -> str:
    until = "for ever" if one.until is None else f"until {one.until.date().isoformat()}"
    expired = "" if one.holds(now) else " (expired)"
    versions = ", ".join(f"{table} {at.partition(':')[0]}" for table, at in one.versions)
    return f"{one.holder}: {until}{expired}; {versions}"


def lease_as_json(one: "Lease", now: datetime) -> dict[str, Any]:
    """Return a lease, everything of it."""
    return {
        "pipeline": one.pipeline,
        "stage": one.stage.value,
        "holder": one.holder,
        "since": one.since.isoformat(),
        "until": one.until.isoformat() if one.until else None,
        "expired": not one.holds(now),
        "versions": dict(one.versions),
        "artifacts": list(one.artifacts),
    }


def size(count: float) -> str:
    """Return bytes in decimal units, such as `3.2 MB`."""
    for unit in _UNITS[:-1]:
        if count < _STEP:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= _STEP
    return f"{count:.1f} {_UNITS[-1]}"
