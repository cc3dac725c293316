"""The policy in force: the limits, and the code that judges by them."""

import hashlib
import json
from collections.abc import Iterable
from importlib import metadata
from typing import TYPE_CHECKING

from mlplatform.evaluate.behaviour_functions import functions_digest
from mlplatform.gates import policy_hash
from mlplatform.provenance.code import rooms_digest

if TYPE_CHECKING:
    from mlplatform.spec import Pipeline

LIBRARIES = ("jax", "numpy", "pyarrow")  # Another version may compute other bits.
# The rooms whose code a verdict depends on. Those that serve are among it: one gate is about them.
JUDGING = (
    *("gates", "statistics", "judging", "evaluate", "validate", "monitor", "serve", "features"),
    *(f"provenance/{name}.py" for name in ("ancestry", "code", "environment", "policy")),
)


def in_force(pipeline: "Pipeline") -> str:
    """Return a digest of the limits, of the team's own cases, and of the code that judges or is judged.

    A verdict under another one is none.
    """
    judged_by = [policy_hash(pipeline.spec), rooms_digest(JUDGING), json.dumps(libraries())]
    judged_by.append(functions_digest(pipeline))
    return hashlib.sha256("".join(judged_by).encode()).hexdigest()


def libraries(more: Iterable[str] = ()) -> dict[str, str]:
    """Return the versions of the libraries that decide results, and of `more`."""
    return {name: _version(name) for name in (*LIBRARIES, *more)}


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "none"  # An extra that is not installed.
