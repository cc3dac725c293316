"""What was said about everything that a model was made from."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from mlplatform.errors import PlatformError
from mlplatform.gates.overall import overall
from mlplatform.gates.policy import ALWAYS, required
from mlplatform.judging.integrity import Said
from mlplatform.provenance import policy
from mlplatform.provenance.ancestry import ancestors, number
from mlplatform.registry import gate_log, overrides

if TYPE_CHECKING:
    from mlplatform.lake import Lake, Version
    from mlplatform.spec import Pipeline

NOUNS = ("source", "dataset", "split", "features")  # What a model is made from.


@dataclass(frozen=True, kw_only=True)
class Upstream:
    """What gates say of what a model was made from.

    Attributes:
        said: The pipeline's gates.
        required: Every gate on data and features that has to have passed, and the digest it is about;
            the digest is empty where nobody knows what that is.
        let_through: Those of them that a person let through.
    """

    said: Said
    required: Mapping[str, str]
    let_through: frozenset[str] = frozenset()

    @staticmethod
    def of(lake: "Lake", pipeline: "Pipeline", model: "Version") -> "Upstream":
        """Return what is said, as of now, about what a version of the `model` table was made from."""
        rows = gate_log.rows(lake.table(pipeline.table(gate_log.TABLE)))
        in_force = policy.in_force(pipeline)
        digests = _digests(lake, pipeline, model)
        asked = {**required(pipeline.spec), **ALWAYS}
        wanted = {gate: digests.get(noun, "") for gate, noun in asked.items() if noun in NOUNS}
        given = overrides.given(lake.table(pipeline.table(overrides.TABLE)))
        seen = overall(rows, wanted, in_force, overrides=given, now=datetime.now(UTC))
        let_through = frozenset(each["gate"] for each in seen.evidence["overrides"])
        return Upstream(said=Said(rows, in_force), required=wanted, let_through=let_through)


def _digests(lake: "Lake", pipeline: "Pipeline", model: "Version") -> dict[str, str]:
    """Return the digest of each thing it was made from; nothing where the lineage has a hole."""
    try:
        found = ancestors(lake, model)
        return {
            noun: lake.table(table).version(number(found[table])).digest
            for noun in NOUNS
            if (table := pipeline.table(noun)) in found
        }
    except PlatformError:  # The gate that asks about lineage says what is missing.
        return {}
