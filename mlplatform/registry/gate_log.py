"""The `gates` table: every answer a gate gave, with the digest it judged and the policy it judged by."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import pyarrow as pa

from mlplatform.gates import record
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


def said(table: "Table", subject: Subject) -> dict[str, Verdict]:
    """Return the newest verdict of each gate about this very subject."""
    newest: dict[str, Verdict] = {}
    for row in rows(table).to_pylist():
        if row["subject_digest"] == subject.digest and row["policy_hash"] == subject.policy_hash:
            newest[row["gate"]] = record.verdict(row)
    return newest


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
    before = said(table, subject)
    new = [v for v in verdicts if v.gate not in before or _differs(v, before[v.gate])]
    if new:
        batch = record.rows(
            new,
            subject=subject.table,
            subject_digest=subject.digest,
            model_digest=subject.model_digest,
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
