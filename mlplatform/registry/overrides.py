"""The append-only table of overrides: a row for each decision, `<pipeline>/gate_overrides`."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from mlplatform.gates.overall import GATE
from mlplatform.gates.override import Override, Standing, current
from mlplatform.registry.record import TABLE as REGISTERED
from mlplatform.registry.record import by_digest, records
from mlplatform.verdict import Outcome

if TYPE_CHECKING:
    from mlplatform.lake import Lake, Lineage, Table, Version

TABLE = "gate_overrides"
INSTANT = pa.timestamp("us", tz="UTC")
_TEXT = (
    *("gate", "subject", "subject_digest", "model_digest", "baseline_digest", "policy_hash"),
    *("outcome", "by", "because"),
)
SCHEMA = pa.schema(
    [
        *(pa.field(name, pa.string(), nullable=False) for name in _TEXT),
        pa.field("at", INSTANT, nullable=False),
        pa.field("until", INSTANT, nullable=False),
        pa.field("withdrawn", pa.bool_(), nullable=False),
        pa.field("login", pa.string(), nullable=False),
    ]
)


def given(table: "Table") -> list[Override]:
    """Return every decision there ever was, oldest first; none without the table."""
    if not table.exists():
        return []
    rows = table.read().to_pylist()
    return [Override(**{**row, "outcome": Outcome(row["outcome"])}) for row in rows]


def keep(table: "Table", decided: Override, lineage: "Lineage") -> "Version":
    """Append one decision; return the version that has it."""
    row = {**asdict(decided), "outcome": decided.outcome.value}
    kind = "withdrawn" if decided.withdrawn else "overridden"
    digest, at = decided.subject_digest[:16], decided.at.isoformat()
    token = f"{kind}:{decided.gate}:{digest}:{decided.by}:{at}"
    version: Version = table.append(pa.Table.from_pylist([row], SCHEMA), lineage, token=token)
    return version


def passed_by(lake: "Lake", pipeline: str, digest: str, now: datetime) -> list[dict[str, str]]:
    """Return the overrides by which a model got past its gates, when registered or by its newest verdict.

    Each as `gates.overall` tells it, with its `standing` at `now`: in force, expired or withdrawn.
    """
    record = by_digest(records(lake.table(f"{pipeline}/{REGISTERED}")), digest)
    told = [
        *(record.overrides if record else ()),
        *_newest(lake, pipeline, digest).get("overrides", []),
    ]
    decided = given(lake.table(f"{pipeline}/{TABLE}"))
    once = {(entry["gate"], entry["at"]): entry for entry in told}
    return [{**entry, "standing": _standing(entry, decided, now)} for entry in once.values()]


def by_policy(lake: "Lake", pipeline: str, digest: str) -> list[str]:
    """Return what the gates said that lacked evidence about a model and let it through by their policy."""
    said = _newest(lake, pipeline, digest)
    overridden = {entry["gate"] for entry in said.get("overrides", [])}
    return [
        each["because"]
        for gate, each in said.get("gates", {}).items()
        if each["outcome"] == Outcome.INCONCLUSIVE and gate not in overridden
    ]


def _newest(lake: "Lake", pipeline: str, digest: str) -> Mapping[str, Any]:
    """Return the evidence of the last verdict by which a model passed."""
    table = lake.table(f"{pipeline}/gate_verdict")
    rows = table.read().to_pylist() if table.exists() else []
    ours = [r for r in rows if r["gate"] == GATE and r["model_digest"] == digest]
    passed = [row for row in ours if row["outcome"] == Outcome.PASS]
    return dict(json.loads(passed[-1]["evidence"])) if passed else {}


def _standing(entry: Mapping[str, str], decided: list[Override], now: datetime) -> str:
    at, until = (datetime.fromisoformat(entry[name]) for name in ("at", "until"))
    mine = {each.about for each in decided if (each.gate, each.at) == (entry["gate"], at)}
    if any(each.withdrawn and each.about in mine for each in current(decided)):
        return Standing.WITHDRAWN.value
    return (Standing.IN_FORCE if now < until else Standing.EXPIRED).value
