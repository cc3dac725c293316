"""The append-only deployment table: one row per event, so any past state can be shown."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

from mlplatform.errors import ConcurrentWriteError
from mlplatform.lake.peek import listed
from mlplatform.rollout.traffic import Event, Kind, Model, TrafficState, state

if TYPE_CHECKING:
    import pyarrow as pa

    from mlplatform.lake import Lake, Lineage, Table, Version

__all__ = [
    "ROLES",
    "Event",
    "Kind",
    "TrafficState",
    "append",
    "commit",
    "live",
    "read",
    "schema",
    "state",
    "traffic",
]

TABLE = "deployment"  # `<pipeline>/deployment`
ROLES = ("champion", "canary", "previous")
ATTEMPTS = 20  # Each lost race means that somebody else's event landed, so this many is a storm.


def schema() -> "pa.Schema":
    """Return the columns of the deployment table."""
    import pyarrow as pa

    return pa.schema(
        [
            pa.field("kind", pa.string(), nullable=False),
            pa.field("model_digest", pa.string(), nullable=False),
            pa.field("model_version", pa.int64(), nullable=False),
            pa.field("percent", pa.float64(), nullable=False),
            pa.field("by", pa.string(), nullable=False),
            pa.field("reason", pa.string(), nullable=False),
            pa.field("at", pa.timestamp("us", tz="UTC"), nullable=False),
        ]
    )


def append(
    table: "Table", event: Event, lineage: "Lineage", token: str, after: TrafficState | None = None
) -> "Version":
    """Add `event`, once per `token` however often retried; return the version that has it.

    With `after`, the state it leads to, the commit itself says who is live from then on.
    """
    import pyarrow as pa

    if after is not None:
        lineage = replace(lineage, facts={**lineage.facts, **_live(event, after)})
    rows = pa.Table.from_pylist([{**asdict(event), "kind": event.kind.value}], schema=schema())
    version: Version = table.append(rows, lineage, token=token)
    return version


def read(table: "Table", version: "Version | int | None" = None) -> list[Event]:
    """Return the events up to `version` (default: all), oldest first."""
    if not table.exists():
        return []
    return [_event(row) for row in table.read(version).to_pylist()]


def traffic(table: "Table", version: "Version | int | None" = None) -> TrafficState:
    """Return who answered requests at `version` (default: now)."""
    return state(read(table, version))


def live(lake: "Lake", pipeline: str, number: int | None = None) -> dict[str, Model | None]:
    """Return the model in each of `ROLES` by a version of the table, the newest if left out.

    The commit says so itself, or where it is an older one's all events do.
    """
    look = lake.peek(f"{pipeline}/{TABLE}")
    newest = look.newest() if number is None else number
    facts = look.commit(newest).version.lineage.facts if newest >= 0 else {}
    if "champion" in facts:
        return {role: _model(facts[role], facts[f"{role}_version"]) for role in ROLES}
    rows = listed(look.rows(newest)) if newest >= 0 else []
    now = state(_event(row) for row in rows)
    return {role: getattr(now, role) for role in ROLES}


def commit(
    table: "Table", decide: Callable[[TrafficState], Event | None], lineage: "Lineage"
) -> tuple[Event | None, TrafficState]:
    """Record what `decide` answers to the present state; return its event and the state after it.

    Compare-and-swap: the n-th event is written under the token of place n, so of two deciders who
    saw the same state one is recorded, and the other decides again about what it left.

    Raises:
        ConcurrentWriteError: If `ATTEMPTS` others were first.
    """
    for _ in range(ATTEMPTS):
        before = read(table)
        event = decide(state(before))
        if event is None:
            return None, state(before)
        then = state([*before, event])
        append(table, event, lineage, token=f"event:{len(before) + 1}", after=then)
        after = read(table)
        if event in after[len(before) :]:
            return event, state(after)
    raise ConcurrentWriteError(f"{table.name}: {ATTEMPTS} other deployments were first; try again")


def _event(row: Mapping[str, Any]) -> Event:
    return Event(**{**row, "kind": Kind(row["kind"])})


def _model(digest: str, version: str) -> Model | None:
    return Model(version=int(version), digest=digest) if digest else None


def _live(event: Event, after: TrafficState) -> dict[str, str]:
    """Return facts of a commit: whom it is about, and digest and version of each live model; empty for none."""
    said = {"about": event.model_digest}
    for role in ROLES:
        model = getattr(after, role)
        said[role] = model.digest if model else ""
        said[f"{role}_version"] = str(model.version) if model else ""
    return said
