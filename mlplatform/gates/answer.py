"""What all gates share: how a number is trusted, and how a verdict is made of findings."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from mlplatform.verdict import Outcome, Severity, Verdict


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One question a gate asked, and what it found."""

    outcome: Outcome
    because: str
    evidence: Mapping[str, Any] = field(default_factory=dict)


def finite(value: object) -> float | None:
    """Return `value` as a float, or `None` where it is missing, no number, NaN or infinite."""
    try:
        number = float(value)  # type: ignore[arg-type]  # Anything may come; that is the point.
    except (TypeError, ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def refused(
    gate: str,
    severity: Severity,
    limit: float | None,
    because: str,
    *,
    outcome: Outcome = Outcome.FAIL,
) -> Verdict:
    """Return the verdict on a measurement that cannot be judged: never a pass."""
    return Verdict(gate=gate, outcome=outcome, severity=severity, limit=limit, because=because)


def worst(findings: Sequence[Finding]) -> Outcome:
    """Return FAIL if one failed, else INCONCLUSIVE if one is, else PASS; no finding fails."""
    outcomes = {finding.outcome for finding in findings} or {Outcome.FAIL}
    for outcome in (Outcome.FAIL, Outcome.INCONCLUSIVE):
        if outcome in outcomes:
            return outcome
    return Outcome.PASS


def sentence(findings: Sequence[Finding]) -> str:
    """Return the findings that decided, or all of them where all passed, as one line."""
    decided = worst(findings)
    return "; ".join(finding.because for finding in findings if finding.outcome is decided)
