"""When a model answered requests, and who decided: from the deployment events, quickly in a long log."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from mlplatform.lake.commit import COMPACT
from mlplatform.rollout.events import ROLES, TABLE
from mlplatform.rollout.traffic import Event, Kind, Model, TrafficState, after

if TYPE_CHECKING:
    from mlplatform.lake import Lake
    from mlplatform.lake.commit import Commit
    from mlplatform.lake.peek import Peek


@dataclass(frozen=True, kw_only=True)
class Lived:
    """An event that happened to a model, or to another and changed what this one does.

    Attributes:
        at: When, in UTC.
        kind: What happened.
        version: To which model version.
        percent: Share of traffic that version got, 0 to 100.
        by: Who decided.
        reason: Why.
        role: What our model was from then on: champion, canary, previous or nothing.
    """

    at: datetime
    kind: str
    version: int
    percent: float
    by: str
    reason: str
    role: str


def lived(lake: "Lake", pipeline: str, digest: str) -> list[Lived]:
    """Return what happened to the model with this digest, oldest first."""
    return list(_told(_happened(lake, pipeline, digest), digest))


def _told(happened: Iterator[tuple[Event, TrafficState]], digest: str) -> Iterator[Lived]:
    role = ""
    for event, now in happened:
        was, role = role, _role(now, digest)
        if event.model_digest == digest or role != was:
            yield Lived(
                at=event.at,
                kind=event.kind.value,
                version=event.model_version,
                percent=event.percent,
                by=event.by,
                reason=event.reason,
                role=role,
            )


def _role(now: TrafficState, digest: str) -> str:
    models = {role: getattr(now, role) for role in ROLES}
    return next((role for role, model in models.items() if model and model.digest == digest), "")


def _happened(lake: "Lake", pipeline: str, digest: str) -> Iterator[tuple[Event, TrafficState]]:
    """Yield at least every event that changed what this model does, in order, and the state each led to.

    A commit says that state itself; an older one or a compaction does not, and its events are added up.
    """
    table = lake.peek(f"{pipeline}/{TABLE}")
    now, read = TrafficState(), -1
    for number in _numbers(table, digest):
        commit = table.commit(number)
        said = None if commit.kind == COMPACT else _state(commit)
        if said is None and commit.kind != COMPACT and number - 1 != read:
            now = _state(table.commit(number - 1)) or now
        for row in table.listed(number):
            event = Event(**{**row, "kind": Kind(row["kind"])})
            now = said or replace(after(now, event), withdrawn={})
            yield event, now
        read = number


def _numbers(table: "Peek", digest: str) -> list[int]:
    """Return the commits that are about this model, that it was live at, that ended that, or that do not say."""
    found = list(table.naming(["about", *ROLES], digest))
    newest = table.newest()
    return sorted({*found, *(number + 1 for number in found if number < newest)})


def _state(commit: "Commit") -> TrafficState | None:
    """Return who was live from a commit on, without those withdrawn; None where it does not say."""
    facts = commit.version.lineage.facts
    if "champion" not in facts:
        return None
    champion, canary, previous = (
        Model(version=int(facts[f"{role}_version"]), digest=facts[role]) if facts[role] else None
        for role in ROLES
    )
    return TrafficState(champion=champion, canary=canary, previous=previous)
