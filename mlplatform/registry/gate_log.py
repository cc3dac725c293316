"""The `gates` table: every answer a gate gave, with the digest it judged and the policy it judged by."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from mlplatform.errors import OverrideError
from mlplatform.gates import record
from mlplatform.gates.overall import of_the_future
from mlplatform.verdict import Verdict

if TYPE_CHECKING:
    from mlplatform.lake import Lineage, Table, Version

TABLE = "gates"  # `<pipeline>/gates`


@dataclass(frozen=True, kw_only=True)
class Subject:
    """What is judged, and by which policy: a verdict about other bytes or another policy is no verdict."""

    table: str
    digest: str
    policy_hash: str
    model_digest: str = ""
    baseline_digest: str = ""  # The champion it is compared with; another one makes another answer.

    def is_of(self, row: Mapping[str, Any]) -> bool:
        """Whether a row is about this."""
        wanted = (self.digest, self.policy_hash, self.baseline_digest)
        baseline = row["baseline_digest"]
        return (row["subject_digest"], row["policy_hash"], baseline) == wanted


def said(table: "Table", subject: Subject, now: datetime) -> dict[str, Verdict]:
    """Return the last verdict of each gate about this very subject; none where that is of the future."""
    last = {row["gate"]: row for row in rows(table).to_pylist() if subject.is_of(row)}
    return {g: record.verdict(row) for g, row in last.items() if not of_the_future(row, now)}


def newest(table: "Table", gate: str, digest: str = "") -> Mapping[str, Any] | None:
    """Return the last row of a gate, as a mapping, or `None` if it never judged.

    Args:
        table: The table of verdicts.
        gate: Its name.
        digest: How the digest of the model or of the version judged begins.

    Raises:
        OverrideError: If `digest` begins those of several models.
    """
    ours = [row for row in rows(table).to_pylist() if row["gate"] == gate]
    if digest:
        ours = [r for r in ours if r[_named_by(r)].startswith(digest)]
        found = sorted({row[_named_by(row)] for row in ours})
        if len(found) > 1:
            some = ", ".join(each[:16] for each in found)
            raise OverrideError(f"{len(found)} digests begin {digest!r}: {some}; give more of it")
    return ours[-1] if ours else None


def _named_by(row: Mapping[str, Any]) -> str:
    return "model_digest" if row["model_digest"] else "subject_digest"


def rows(table: "Table", version: "Version | None" = None) -> pa.Table:
    """Return all verdicts, oldest first; an empty table when no gate has judged yet."""
    if not table.exists():
        return record.GATES_SCHEMA.empty_table()
    return table.read(version)


def keep(
    table: "Table", subject: Subject, verdicts: Sequence[Verdict], lineage: "Lineage", at: datetime
) -> list[Verdict]:
    """Append the verdicts whose answer is new, in one commit, and return those.

    A gate that answers as it did last time about the same subject adds no row, so a rerun with nothing new writes
    nothing; one that refuses for another reason does.
    """
    before = said(table, subject, at)
    new = [v for v in verdicts if v.gate not in before or _differs(v, before[v.gate])]
    if new:
        batch = record.rows(
            new,
            subject=subject.table,
            subject_digest=subject.digest,
            model_digest=subject.model_digest,
            baseline_digest=subject.baseline_digest,
            policy_hash=subject.policy_hash,
            run_id=lineage.run_id,
            decided_at=at,
        )
        gates = "+".join(sorted(f"{verdict.gate}={verdict.outcome}" for verdict in new))
        token = f"verdict:{lineage.run_id}:{subject.digest[:16]}:{gates}"
        table.append(batch, lineage, token=token)
    return new


def _differs(verdict: Verdict, before: Verdict) -> bool:
    if verdict.outcome is not before.outcome:
        return True
    return not verdict.passed and verdict.because != before.because
