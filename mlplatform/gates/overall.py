"""All verdicts about one candidate become one: what was asked for, all of it, about these bytes."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from mlplatform.gates.answer import Finding, worst
from mlplatform.verdict import Outcome, Verdict

if TYPE_CHECKING:
    import pyarrow as pa

GATE = "overall"


def overall(rows: "pa.Table | None", required: Mapping[str, str], policy_hash: str) -> Verdict:
    """Pass when the newest verdict of every required gate passed.

    Only rows about the wanted digest under the wanted policy count, and of those the newest; at
    equal times the later row. A gate with none is a failure, and so is a policy without gates.

    Args:
        rows: Rows of the `gates` table.
        required: The digest each gate must have judged, by gate; see `gates.required`.
        policy_hash: Of the policy in force.
    """
    listed = rows.to_pylist() if rows is not None else []
    found = {g: _judge(g, digest, listed, policy_hash) for g, digest in required.items()}
    passed = sum(finding.outcome is Outcome.PASS for finding in found.values())
    outcome = worst(list(found.values()))
    return Verdict(
        gate=GATE,
        outcome=outcome,
        observed=float(passed),
        limit=float(len(required)),
        because=_because(found, passed),
        evidence={
            gate: {"outcome": finding.outcome.value, "because": finding.because}
            for gate, finding in found.items()
        },
    )


def _judge(gate: str, digest: str, rows: Sequence[Mapping[str, Any]], policy: str) -> Finding:
    ours = [row for row in rows if row["gate"] == gate]
    about = [row for row in ours if digest and row["subject_digest"] == digest]
    valid = [row for row in about if row["policy_hash"] == policy]
    if not valid:
        return Finding(outcome=Outcome.FAIL, because=_absent(gate, digest, ours, about))
    newest = max(enumerate(valid), key=lambda pair: (pair[1]["decided_at"], pair[0]))[1]
    if newest["outcome"] not in set(Outcome):
        why = f"{gate}: unknown outcome {newest['outcome']!r}"
        return Finding(outcome=Outcome.FAIL, because=why)
    outcome = Outcome(newest["outcome"])
    return Finding(outcome=outcome, because=f"{gate} {outcome.value}: {newest['because']}")


def _absent(
    gate: str, digest: str, ours: Sequence[Mapping[str, Any]], about: Sequence[Mapping[str, Any]]
) -> str:
    if about:
        return f"{gate}: judged under another policy ({about[-1]['policy_hash'][:12]})"
    if ours:
        other = ours[-1]["subject_digest"][:12] or "nothing"
        return f"{gate}: judged {other}, not {digest[:12] or 'a known digest'}"
    return f"{gate}: no verdict"


def _because(found: Mapping[str, Finding], passed: int) -> str:
    if not found:
        return "0 gates are required, so nothing was judged; give one the severity `block`"
    count = f"{passed} of {len(found)} required gates passed"
    rest = [f.because for f in found.values() if f.outcome is not Outcome.PASS]
    return f"{count}; {'; '.join(rest)}" if rest else count
