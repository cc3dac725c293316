"""What `mlplatform registry` says of each model."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from mlplatform.errors import LakeError

if TYPE_CHECKING:
    from mlplatform.lake import Lake
    from mlplatform.registry.find import Found

ALIASES = {"champion": "champion", "canary": "challenger", "previous": "previous"}
NEXT = (
    ".venv/bin/dagster asset materialize -m definitions --select "
    '"{p}/model,{p}/evaluation,{p}/gate_verdict,{p}/registered_model,{p}/deployment"'
)


@dataclass(frozen=True, kw_only=True)
class Row:
    """One registered model, as it is listed."""

    pipeline: str
    version: int
    digest: str
    aliases: tuple[str, ...]
    registered_at: str
    code: str
    signed_by: tuple[str, ...]
    age: str
    metrics: dict[str, float]


def rows(lake: "Lake", pipeline: str) -> Iterator[Row]:
    """Yield every registered model of a pipeline, oldest first."""
    from mlplatform.registry.age import age
    from mlplatform.registry.record import TABLE, records
    from mlplatform.rollout.events import live

    now, roles = datetime.now(UTC), live(lake, pipeline)
    for record in records(lake.table(f"{pipeline}/{TABLE}")):
        digest = record.model_digest
        try:
            aged = str(age(lake, pipeline, record, now))
        except LakeError as wrong:
            aged = str(wrong)
        yield Row(
            pipeline=pipeline,
            version=record.model_version,
            digest=digest,
            aliases=tuple(ALIASES[r] for r, m in roles.items() if m and m.digest == digest),
            registered_at=record.registered_at.isoformat(timespec="minutes"),
            code=record.code_version,
            signed_by=tuple(lake.signatures.keys(digest)),
            age=aged,
            metrics=dict(record.metrics),
        )


def listed(row: Row) -> str:
    """Return one line for a person."""
    live = f" {' '.join(row.aliases)}" if row.aliases else ""
    signed = f"signed by {', '.join(row.signed_by)}" if row.signed_by else "unsigned"
    where = f"{row.pipeline}@{row.version}{live}"
    return f"{where}  {row.digest[:16]}  registered {row.registered_at}  {signed}  {row.age}"


def named(found: "Found") -> str:
    """Return how a model is called in messages."""
    return (
        f"{found.pipeline} version {found.record.model_version} ({found.record.model_digest[:12]})"
    )


def verified(lake: "Lake", found: "Found", verify_key: Path | None, *, load: bool) -> str:
    """Return in one sentence that a model is whole, once all of it was checked.

    Raises:
        PlatformError: Saying what is wrong with it.
    """
    from mlplatform.registry.hostile import require_no_code
    from mlplatform.registry.probe import require_loads
    from mlplatform.registry.signing import require, standing

    artifact = lake.artifacts.open(found.record.model_digest)
    artifact.require_nothing_else()
    require_no_code(artifact)
    require(lake, artifact.digest, verify_key)
    said = f"{len(artifact.names)} files of {artifact.size_bytes:,} bytes are whole"
    if load:
        said += f", it answers with {require_loads(artifact.contents(), named(found))}"
    return f"{said}; {standing(lake, artifact.digest, verify_key)}"
