"""When a model answered requests, and who decided: from the deployment events, quickly in a long log."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from mlplatform.rollout.events import ROLES, TABLE
from mlplatform.rollout.traffic import Event, Kind, Model, TrafficState, after

if TYPE_CHECKING:
    from mlplatform.lake import Lake

BEFORE = Model(version=0, digest="")  # Whoever was champion before the first event that is read.


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
    return list(_told(_events(lake, pipeline, digest), digest))


def _told(events: Iterator[Event], digest: str) -> Iterator[Lived]:
    now, role = TrafficState(champion=BEFORE), ""
    for event in events:
        ours = event.model_digest == digest
        if not ours and not role:
            continue  # Before it was ever deployed, or after it was replaced.
        now = replace(after(now, event), withdrawn={})
        was, role = role, _role(now, digest)
        if ours or role != was:
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


def _events(lake: "Lake", pipeline: str, digest: str) -> Iterator[Event]:
    """Yield at least every event that is about this model, that it was live at, or that ended that, in order."""
    table = lake.peek(f"{pipeline}/{TABLE}")
    found = list(table.naming(["about", *ROLES], digest))
    newest = table.newest()
    ended = {number + 1 for number in found if number < newest}
    for number in sorted({*found, *ended}):
        for row in table.listed(number):
            yield Event(**{**row, "kind": Kind(row["kind"])})
