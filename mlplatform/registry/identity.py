"""Every identity that the lake knows a registered model by, as tags: what MLflow shows beside its metrics."""

import json
from contextlib import suppress
from typing import TYPE_CHECKING

from mlplatform.errors import LakeError
from mlplatform.registry import limits
from mlplatform.registry.find import model_version

if TYPE_CHECKING:
    from mlplatform.lake import Lake, Version
    from mlplatform.registry.record import RegisteredModel

PREFIX = "mlplatform."
# Facts of the commit of `<pipeline>/model`.
FACTS = (
    *("environment", "libraries", "surroundings", "pipeline_code", "trigger", "launched_by", "job"),
    "recertified_from",
)


def identities(lake: "Lake", pipeline: str, record: "RegisteredModel") -> dict[str, str]:
    """Return the tags that a model's own row does not hold; what is not on record is left out.

    A model whose files are gone is still shown.
    """
    known = {"signature": " ".join(lake.signatures.keys(record.model_digest))}
    with suppress(LakeError):
        version = model_version(lake, pipeline, record)
        known |= {name: version.lineage.facts.get(name, "") for name in FACTS}
        known |= {"run": version.lineage.run_id, **_surroundings(lake, version)}
    return {f"{PREFIX}{k}": v[: limits.TAG_LENGTH] for k, v in known.items() if v}


def _surroundings(lake: "Lake", version: "Version") -> dict[str, str]:
    """Return the digest of the lock and the class of the hardware; nothing where they are not on record."""
    digest = version.lineage.facts.get("surroundings")
    if not digest:
        return {}
    with suppress(LakeError, ValueError, KeyError, TypeError):
        said = json.loads(lake.artifacts.open(digest).read("surroundings.json"))
        lock = said["lock"] or {}
        return {"lock": str(lock.get("sha256", "")), "hardware": str(said["hardware"]["class"])}
    return {}
