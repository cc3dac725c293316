"""How old the exported program of each model is: JAX promises to read one for six months, and no longer.

https://docs.jax.dev/en/latest/export/export.html#compatibility-guarantees: releases of JAX can read
an exported program for six months. So it is exported anew, or trained anew, before.
"""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from mlplatform.errors import LakeError
from mlplatform.registry.find import model_version

if TYPE_CHECKING:
    from mlplatform.lake import Lake
    from mlplatform.registry.record import RegisteredModel

PROMISED_DAYS = 180  # Six months, of JAX's own promise.
WARNED_DAYS = 120  # Four months: two are left to export anew and pass the gates.


@dataclass(frozen=True, kw_only=True)
class Age:
    """How long ago a model's program was exported, and by which JAX.

    Attributes:
        pipeline: Whose model.
        version: Its registered version.
        digest: Its artifact.
        jax: The version that exported the program.
        exported_at: When, in UTC.
        days: Whole days since.
    """

    pipeline: str
    version: int
    digest: str
    jax: str
    exported_at: datetime
    days: int

    @property
    def due(self) -> bool:
        """Whether it should be exported anew."""
        return self.days >= WARNED_DAYS

    @property
    def over(self) -> bool:
        """Whether nobody promises any more that a newer JAX reads it."""
        return self.days >= PROMISED_DAYS

    def __str__(self) -> str:
        """Return one sentence: how old it is, and what to do if it is due."""
        said = f"exported by JAX {self.jax} {self.days} days ago"
        if not self.due:
            return said
        left = PROMISED_DAYS - self.days
        promise = f"{left} days of JAX's promise are left" if left > 0 else "JAX's promise is over"
        return f"{said}; {promise}: `mlplatform registry recertify {self.pipeline}`, or train again"


def age(lake: "Lake", pipeline: str, record: "RegisteredModel", now: datetime) -> Age:
    """Return the age of a registered model's program.

    Raises:
        LakeError: If the artifact or the commit that made it is missing or damaged.
    """
    made = model_version(lake, pipeline, record)
    return Age(
        pipeline=pipeline,
        version=record.model_version,
        digest=record.model_digest,
        jax=exported_by(lake, record.model_digest),
        exported_at=made.committed_at,
        days=(now - made.committed_at).days,
    )


def exported_by(lake: "Lake", digest: str) -> str:
    """Return the version of JAX that exported a model's program.

    Raises:
        LakeError: If the artifact is missing, damaged, or no model.
    """
    try:
        return str(json.loads(lake.artifacts.open(digest).read("signature.json"))["jax"])
    except (ValueError, KeyError, TypeError) as wrong:
        said = f"artifact {digest[:12]}: signature.json names no JAX"
        raise LakeError(f"{said}: {wrong!r}; train again") from None


def due(lake: "Lake", pipeline: str, record: "RegisteredModel", now: datetime) -> str:
    """Return the sentence about a model's age if it should be exported anew, or why that cannot be told."""
    try:
        found = age(lake, pipeline, record, now)
    except LakeError as wrong:
        return f"unknown: {wrong}"
    return str(found) if found.due else ""
