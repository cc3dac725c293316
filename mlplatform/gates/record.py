"""Verdicts as rows of the `gates` table, and back."""

import json
import math
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import pyarrow as pa

from mlplatform.verdict import Inconclusive, Outcome, Severity, Verdict

GATES_SCHEMA = pa.schema(
    [
        pa.field("gate", pa.string(), nullable=False),
        pa.field("subject", pa.string(), nullable=False),
        pa.field("subject_digest", pa.string(), nullable=False),
        pa.field("model_digest", pa.string(), nullable=False),
        pa.field("baseline_digest", pa.string(), nullable=False),
        pa.field("outcome", pa.string(), nullable=False),
        pa.field("severity", pa.string(), nullable=False),
        pa.field("inconclusive", pa.string(), nullable=False),
        pa.field("observed", pa.float64()),
        pa.field("limit", pa.float64()),
        pa.field("baseline", pa.float64()),
        pa.field("interval_lower", pa.float64()),
        pa.field("interval_upper", pa.float64()),
        pa.field("because", pa.string(), nullable=False),
        pa.field("evidence", pa.string(), nullable=False),
        pa.field("policy_hash", pa.string(), nullable=False),
        pa.field("run_id", pa.string(), nullable=False),
        pa.field("decided_at", pa.timestamp("us", tz="UTC"), nullable=False),
    ]
)


def rows(
    verdicts: Sequence[Verdict],
    *,
    subject: str,
    subject_digest: str,
    policy_hash: str,
    run_id: str,
    decided_at: datetime,
    model_digest: str = "",
    baseline_digest: str = "",
) -> pa.Table:
    """Return one row per verdict about `subject` (a table's name) at `subject_digest`.

    `model_digest` is the model judged, empty for a gate on data, and `baseline_digest` the champion
    it was compared with, empty for the first model. `decided_at` needs a time zone.
    """
    about = {
        "subject": subject,
        "subject_digest": subject_digest,
        "model_digest": model_digest,
        "baseline_digest": baseline_digest,
        "policy_hash": policy_hash,
        "run_id": run_id,
        "decided_at": decided_at,
    }
    return pa.Table.from_pylist([{**_said(v), **about} for v in verdicts], schema=GATES_SCHEMA)


def to_verdicts(table: pa.Table) -> list[Verdict]:
    """Return the verdicts in `table`, in its order."""
    return [verdict(row) for row in table.to_pylist()]


def verdict(row: Mapping[str, Any]) -> Verdict:
    """Return the verdict in one row, given by column name."""
    bounds = (row["interval_lower"], row["interval_upper"])
    return Verdict(
        gate=row["gate"],
        outcome=Outcome(row["outcome"]),
        severity=Severity(row["severity"]),
        inconclusive=Inconclusive(row["inconclusive"]),
        observed=row["observed"],
        limit=row["limit"],
        baseline=row["baseline"],
        interval=None if None in bounds else bounds,
        because=row["because"],
        evidence=json.loads(row["evidence"]),
    )


def _said(given: Verdict) -> dict[str, Any]:
    lower, upper = given.interval or (None, None)
    return {
        "gate": given.gate,
        "outcome": given.outcome.value,
        "severity": given.severity.value,
        "inconclusive": given.inconclusive.value,
        "observed": given.observed,
        "limit": given.limit,
        "baseline": given.baseline,
        "interval_lower": lower,
        "interval_upper": upper,
        "because": given.because,
        "evidence": json.dumps(_plain(given.evidence), sort_keys=True, allow_nan=False),
    }


def _plain(value: Any) -> Any:
    """Return `value` as strict JSON: numpy values as lists and numbers, NaN and infinity as null."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if value is None or isinstance(value, str | bool | int):
        return value
    if hasattr(value, "tolist"):
        return _plain(value.tolist())
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return str(value)
