"""What was said about everything that a model was made from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pyarrow as pa

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
        asked: The same as `required`, and the gates on the version of the model besides.
        overridden: Who let them through, as `gates.overall` tells it.
        elsewhere: The policy of each verdict that was given under another one, by gate and digest;
            nothing unless that was asked for.
    """

    said: Said
    required: Mapping[str, str]
    let_through: frozenset[str] = frozenset()
    asked: Mapping[str, str] = field(default_factory=dict)
    overridden: Sequence[Mapping[str, str]] = ()
    elsewhere: Mapping[tuple[str, str], str] = field(default_factory=dict)

    @staticmethod
    def of(
        lake: "Lake", pipeline: "Pipeline", model: "Version", *, any_policy: bool = False
    ) -> "Upstream":
        """Return what is said, as of now, about what a version of the `model` table was made from.

        Args:
            lake: With the pipeline's tables.
            pipeline: Whose gates.
            model: The version.
            any_policy: Where a gate has not judged under the policy in force, take what it said last under
                another one. A build may, which releases nothing; whoever releases must not.
        """
        rows = gate_log.rows(lake.table(pipeline.table(gate_log.TABLE)))
        given = overrides.given(lake.table(pipeline.table(overrides.TABLE)))
        in_force = policy.in_force(pipeline)
        rows, elsewhere = _adopted(rows, in_force) if any_policy else (rows, {})
        digests = _digests(lake, pipeline, model)
        asked = {
            gate: digests.get(noun, "")
            for gate, noun in {**required(pipeline.spec), **ALWAYS}.items()
            if noun in (*NOUNS, "model")
        }
        given += [
            replace(each, policy_hash=in_force)
            for each in given
            if elsewhere.get((each.gate, each.subject_digest)) == each.policy_hash
        ]
        seen = overall(rows, asked, in_force, overrides=given, now=datetime.now(UTC))
        overridden = seen.evidence["overrides"]
        of_data = {**required(pipeline.spec), **ALWAYS}
        return Upstream(
            said=Said(rows, in_force),
            required={gate: digest for gate, digest in asked.items() if of_data[gate] in NOUNS},
            let_through=frozenset(each["gate"] for each in overridden),
            asked=asked,
            overridden=overridden,
            elsewhere=elsewhere,
        )


def _adopted(rows: pa.Table, in_force: str) -> tuple[pa.Table, dict[tuple[str, str], str]]:
    """Return the rows, and as if of this policy the newest of gates that have not judged some bytes under it."""
    listed = sorted(rows.to_pylist(), key=lambda row: row["decided_at"])  # At equal times as given.
    newest = {(row["gate"], row["subject_digest"]): row for row in listed}
    for row in listed:
        if row["policy_hash"] == in_force:
            newest.pop((row["gate"], row["subject_digest"]), None)
    taken = [{**row, "policy_hash": in_force} for row in newest.values()]
    elsewhere = {about: row["policy_hash"] for about, row in newest.items()}
    return pa.concat_tables([rows, pa.Table.from_pylist(taken, rows.schema)]), elsewhere


def _digests(lake: "Lake", pipeline: "Pipeline", model: "Version") -> dict[str, str]:
    """Return the digest of each thing it was made from; nothing where the lineage has a hole."""
    mine = {"model": model.digest} if model.table == pipeline.table("model") else {}
    try:
        found = ancestors(lake, model)
        return mine | {
            noun: lake.table(table).version(number(found[table])).digest
            for noun in NOUNS
            if (table := pipeline.table(noun)) in found
        }
    except PlatformError:  # The gate that asks about lineage says what is missing.
        return mine
