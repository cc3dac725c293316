"""What is on record to make a model again: code, libraries, chance."""

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from mlplatform.errors import PlatformError
from mlplatform.model_measures import ReproducibilitySeen
from mlplatform.provenance import environment
from mlplatform.provenance.code import DIRTY, NO_GIT

if TYPE_CHECKING:
    from mlplatform.lake import Version
    from mlplatform.lake.artifacts import Artifact

MANIFEST = "training.json"


def reproducibility(model: "Version", artifact: "Artifact | None") -> ReproducibilitySeen:
    """Return what the commit of a version of the `model` table and its artifact say; raises nothing.

    Of a blend, each of whose members has a seed, it is the first member's.
    """
    commit, dirty = _code(model.lineage.code_version)
    manifest = _manifest(artifact)
    return ReproducibilitySeen(
        commit=commit,
        dirty=dirty,
        lock=model.lineage.facts.get(environment.FACT, ""),
        seed=_seed(manifest.get("model", {})),
        bits=_bits(manifest.get("reproducibility", {})),
    )


def _code(code_version: str) -> tuple[str, bool | None]:
    commit = code_version.removesuffix(DIRTY)
    if commit in ("", NO_GIT):
        return "", None
    return commit, code_version.endswith(DIRTY)


def _manifest(artifact: "Artifact | None") -> dict[str, Any]:
    if artifact is None:
        return {}
    try:
        found = json.loads(artifact.read(MANIFEST))
    except (PlatformError, ValueError):  # What is damaged says nothing; its own gate says so.
        return {}
    return found if isinstance(found, dict) else {}


def _seed(model: Any) -> int | None:
    if not isinstance(model, Mapping):
        return None
    members = model.get("members")
    if isinstance(members, Mapping):
        seeds = [_seed(member) for member in members.values()]
        return None if None in seeds or not seeds else seeds[0]
    seed = model.get("seed")
    return seed if isinstance(seed, int) and not isinstance(seed, bool) else None


def _bits(statement: Any) -> str:
    """Return the statement of equal bits in words."""
    if not isinstance(statement, Mapping):
        return ""
    same, other = (statement.get(name) or [] for name in ("reproducible", "not_reproducible"))
    told = [f"the same: {'; '.join(same)}"] if same else []
    return ". ".join([*told, *([f"not the same: {'; '.join(other)}"] if other else [])])
