"""The second lock: registration and deployment ask for the verdict about the bytes they ship.

A blocking check stops only the run it is in; a later run of the asset alone must ask again.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from mlplatform.errors import GateRefusedError
from mlplatform.gates.overall import GATE, of_the_future
from mlplatform.gates.override import minute
from mlplatform.verdict import Outcome

if TYPE_CHECKING:
    import pyarrow as pa


def require_passed(
    rows: "pa.Table | None",
    *,
    model_digest: str,
    evaluation_digest: str,
    baseline_digest: str,
    policy_hash: str,
    now: datetime,
) -> Mapping[str, Any]:
    """Return the newest overall verdict about `model_digest`, as a row, if it is a PASS.

    Args:
        rows: Rows of the `gate_verdict` table, in the schema of `gates.record`.
        model_digest: Of the artifact about to be shipped.
        evaluation_digest: Of the newest evaluation of that model, which the verdict must be about.
        baseline_digest: Of the champion that evaluation compared it with, empty for none.
        policy_hash: Of the policy in force.
        now: When it is shipped, which no override that it passed by may have seen the end of.

    Raises:
        GateRefusedError: If there is none, or it failed, was inconclusive, passed by an override
            that has ended, was decided in the future, or is about another model or champion or under another policy.
    """
    wanted = model_digest[:12] or "(no digest)"
    given = [r for r in (rows.to_pylist() if rows is not None else []) if r["gate"] == GATE]
    about = [r for r in given if model_digest and r["model_digest"] == model_digest]
    valid = [r for r in about if r["policy_hash"] == policy_hash]
    if not valid:
        raise GateRefusedError(_absent(wanted, given, about, policy_hash))
    newest = valid[-1]  # Rows are only ever appended, and a clock can be wrong.
    if of_the_future(newest, now):
        why = f"its verdict was decided at {minute(newest['decided_at'])}, which is in the future"
        raise GateRefusedError(
            f"model {wanted} is not released: {why}; materialise `gate_verdict` again"
        )
    if newest["outcome"] != Outcome.PASS:
        said = f"{newest['outcome']}: {newest['because']}"
        raise GateRefusedError(f"model {wanted} is not released; its verdict is {said}")
    if newest["subject_digest"] != evaluation_digest:
        why = "its verdict is about an earlier evaluation; materialise `gate_verdict` again"
        raise GateRefusedError(f"model {wanted} is not released: {why}")
    if (other := newest["baseline_digest"]) != baseline_digest:
        pair = f"{other[:12] or 'no champion'}, not {baseline_digest[:12] or 'no champion'}"
        why = f"its verdict compares it with {pair}; materialise `gate_verdict` again"
        raise GateRefusedError(f"model {wanted} is not released: {why}")
    _require_lasting(wanted, json.loads(newest["evidence"]), now)
    return newest  # type: ignore[no-any-return]  # Arrow's rows are untyped.


def _require_lasting(wanted: str, evidence: Mapping[str, Any], now: datetime) -> None:
    for override in evidence.get("overrides", []):
        until = datetime.fromisoformat(override["until"])
        if until <= now:
            why = f"{override['gate']} was overridden by {override['by']} until {minute(until)}"
            raise GateRefusedError(
                f"model {wanted} is not released: {why}, which is past; materialise `gate_verdict` again"
            )


def _absent(
    wanted: str,
    given: Sequence[Mapping[str, Any]],
    about: Sequence[Mapping[str, Any]],
    policy_hash: str,
) -> str:
    if about:
        theirs, ours = about[-1]["policy_hash"][:12], policy_hash[:12]
        why = f"its verdict is from policy {theirs}, the policy in force is {ours}"
        return f"model {wanted} is not released: {why}; evaluate it again"
    if given:
        others = given[-1]["model_digest"][:12] or "no model"
        return f"model {wanted} is not released: the verdict is about {others}; evaluate this model"
    return f"model {wanted} is not released: it has no gate verdict; materialise `gate_verdict`"
