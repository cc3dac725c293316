"""The append-only table of registered models: a row for each version."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from mlplatform.errors import ConcurrentWriteError, GateRefusedError
from mlplatform.verdict import Outcome

if TYPE_CHECKING:
    import pyarrow as pa

    from mlplatform.lake import Lake, Lineage, Table

TABLE = "registered_model"  # `<pipeline>/registered_model`
FACT = "registered"  # The digest, in the commit itself: a log is searched faster than its rows.
ATTEMPTS = 20  # Each lost race means that another model was registered, so this many is a storm.


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """What is known of a model that passed its gates.

    Attributes:
        model_digest: Digest of its artifact in the lake.
        metrics: Its evaluation on the test split.
        verdict: What the gates said together; only a pass is registered.
        verdict_digests: What that verdict is about: `policy`, `gates`, … and their digests.
        code_version: The code that made it.
        data_versions: Lake table name and `Version.reference` of everything it was made from.
        mlflow_run: The tracking run that trained it: its tag `mlplatform.log`, since MLflow may
            not have the run yet.
        overrides: The gates that a person let it through; see `gates.overall`.
    """

    model_digest: str
    metrics: Mapping[str, float]
    verdict: Outcome
    verdict_digests: Mapping[str, str]
    code_version: str
    data_versions: Mapping[str, str]
    mlflow_run: str = ""
    overrides: Sequence[Mapping[str, str]] = ()


@dataclass(frozen=True, kw_only=True)
class RegisteredModel(Candidate):
    """A registered model: a candidate with its version, 1, 2, …, and the time, in UTC."""

    model_version: int
    registered_at: datetime


def schema() -> "pa.Schema":
    """Return the columns of the table. Mappings are JSON objects with sorted keys."""
    import pyarrow as pa

    text = ["model_digest", "metrics", "verdict", "verdict_digests", "code_version"]
    text += ["data_versions", "mlflow_run", "overrides"]
    return pa.schema(
        [
            pa.field("model_version", pa.int64(), nullable=False),
            *(pa.field(name, pa.string(), nullable=False) for name in text),
            pa.field("registered_at", pa.timestamp("us", tz="UTC"), nullable=False),
        ]
    )


def register(
    lake: "Lake", pipeline: str, candidate: Candidate, lineage: "Lineage", at: datetime
) -> RegisteredModel:
    """Return the row of `candidate`, added with the next version unless it has one.

    Every byte of the artifact is checked against its digest first. Compare-and-swap: version n is
    written under the token of n, so of two models registered at the same time one gets n and the
    other n + 1.

    Raises:
        GateRefusedError: If the verdict is not a pass.
        CorruptionError: If the artifact's bytes are not the ones its digest was made from, there is more in its
            folder, or a file of it is code.
        LakeError: If there is no such artifact.
        ConcurrentWriteError: If `ATTEMPTS` others were first.
    """
    from mlplatform.registry.hostile import require_no_code

    if candidate.verdict is not Outcome.PASS:
        raise GateRefusedError(
            f"{pipeline}: the verdict about model {candidate.model_digest[:12]} is "
            f"{candidate.verdict.value!r}; only a pass is registered"
        )
    artifact = lake.artifacts.open(candidate.model_digest)
    artifact.require_nothing_else()
    require_no_code(artifact)
    table = lake.table(f"{pipeline}/{TABLE}")
    for _ in range(ATTEMPTS):
        known = records(table)
        if (found := by_digest(known, candidate.model_digest)) is not None:
            return found
        version = len(known) + 1
        row = _row(candidate, version, at)
        who = replace(lineage, facts={**lineage.facts, FACT: candidate.model_digest})
        table.append(row, who, token=f"model_version:{version}")
    raise ConcurrentWriteError(f"{table.name}: {ATTEMPTS} other models were first; try again")


def records(table: "Table") -> list[RegisteredModel]:
    """Return every registered model, oldest first; none when nothing was registered yet."""
    return [from_row(row) for row in table.read().to_pylist()] if table.exists() else []


def by_digest(known: list[RegisteredModel], digest: str) -> RegisteredModel | None:
    """Return the registered model with this artifact."""
    return next((record for record in known if record.model_digest == digest), None)


def _row(candidate: Candidate, version: int, at: datetime) -> "pa.Table":
    import pyarrow as pa

    row = {
        "model_version": version,
        "model_digest": candidate.model_digest,
        "metrics": _json(candidate.metrics),
        "verdict": candidate.verdict.value,
        "verdict_digests": _json(candidate.verdict_digests),
        "code_version": candidate.code_version,
        "data_versions": _json(candidate.data_versions),
        "mlflow_run": candidate.mlflow_run,
        "overrides": json.dumps([dict(o) for o in candidate.overrides], sort_keys=True),
        "registered_at": at,
    }
    return pa.Table.from_pylist([row], schema=schema())


def from_row(row: dict[str, Any]) -> RegisteredModel:
    """Return the registered model of one row of the table."""
    mappings = ("metrics", "verdict_digests", "data_versions")
    read = {name: json.loads(row[name]) for name in mappings}
    read["overrides"] = tuple(json.loads(row.get("overrides") or "[]"))
    return RegisteredModel(**{**row, **read, "verdict": Outcome(row["verdict"])})


def _json(value: Mapping[str, Any]) -> str:
    return json.dumps(dict(value), sort_keys=True, allow_nan=False)
