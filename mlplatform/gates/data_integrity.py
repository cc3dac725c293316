"""Data integrity gate: is what a model was made from on record, judged, and free of what it must not use?"""

from collections.abc import Sequence

from mlplatform.gates.answer import refused
from mlplatform.gates.data.check import one_line
from mlplatform.model_measures import IntegritySeen
from mlplatform.spec.trust_gates import DataIntegrityGate
from mlplatform.verdict import Outcome, Verdict

GATE = "data_integrity"
LIMIT = 0.0  # Problems.
NAMED = 3  # Of each kind, told in the sentence; the evidence has them all.


def data_integrity(seen: IntegritySeen | None, policy: DataIntegrityGate) -> Verdict:
    """Pass when the lineage is whole, every gate on the data passed, and no column is forbidden.

    `observed` counts the problems.
    """
    if seen is None or not seen.versions:
        why = "0 versions are on record, so nobody knows what the model was made from"
        return refused(GATE, policy.severity, LIMIT, why)
    forbidden = [f"{name} ({reason})" for name, reason in seen.forbidden.items()]
    problems = len(forbidden) + len(seen.refused) + len(seen.missing)
    told = [
        *_told("the model reads what it must not", forbidden),
        *_told("not passed", seen.refused),
        *_told("not on record", seen.missing),
    ]
    passed = (
        f"{len(seen.versions)} versions are on record, their gates passed, and the model reads 0 "
        "columns that it must not"
    )
    return Verdict(
        gate=GATE,
        outcome=Outcome.FAIL if problems else Outcome.PASS,
        severity=policy.severity,
        inconclusive=policy.inconclusive,
        observed=float(problems),
        limit=LIMIT,
        because=one_line(_counted(problems, told) if problems else passed),
        evidence={
            "versions": dict(seen.versions),
            "missing": list(seen.missing),
            "refused": list(seen.refused),
            "forbidden": dict(seen.forbidden),
        },
    )


def _counted(problems: int, told: Sequence[str]) -> str:
    return f"{problems} problem{'s' if problems > 1 else ''}: {'; '.join(told)}"


def _told(what: str, which: Sequence[str]) -> list[str]:
    if not which:
        return []
    more = f" and {len(which) - NAMED} more" if len(which) > NAMED else ""
    return [f"{what}: {', '.join(list(which)[:NAMED])}{more}"]
