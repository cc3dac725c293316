"""Calibration gate: does a probability mean what it says, and do quantiles hold their share?"""

from dataclasses import dataclass

from mlplatform.gates.answer import Finding, finite
from mlplatform.gates.measured import interval, rows_needed, undecided, verdict
from mlplatform.model_measures import CalibrationSeen
from mlplatform.spec.performance_gates import CalibrationGate
from mlplatform.verdict import Outcome, Verdict

GATE = "calibration"


def calibration(seen: CalibrationSeen | None, policy: CalibrationGate) -> Verdict:
    """Pass when the error's upper bound is at most `max_error`, fail when its lower bound is above it.

    Bounds that enclose the limit are inconclusive, saying how many rows would decide.
    """
    limit = policy.max_error
    rows = _Rows(seen.error.rows, seen.unusable, seen.single) if seen else None
    nothing = undecided(rows, f"the limit is {limit:g}")
    if nothing or seen is None:
        return verdict(GATE, policy, [nothing] if nothing else [], limit=limit)
    observed, lower, upper = (
        finite(of) for of in (seen.error.observed, seen.error.lower, seen.error.upper)
    )
    return verdict(
        GATE,
        policy,
        [_finding(seen, observed, lower, upper, limit)],
        {
            "observed": observed,
            "lower": lower,
            "upper": upper,
            "what": seen.what,
            "worst": seen.worst,
            "rows": seen.error.rows,
        },
        limit=limit,
        observed=observed,
        interval=interval(lower, upper),
    )


@dataclass(frozen=True)
class _Rows:
    rows: int
    unusable: int
    single: str


def _finding(
    seen: CalibrationSeen,
    observed: float | None,
    lower: float | None,
    upper: float | None,
    limit: float,
) -> Finding:
    if observed is None or lower is None or upper is None:
        why = f"{seen.what} is not defined on {seen.error.rows:,} rows; the limit is {limit:g}"
        return Finding(outcome=Outcome.INCONCLUSIVE, because=why)
    why = f"{seen.what} {observed:.4f} on {seen.error.rows:,} rows, 95 % bounds {lower:.4f} and {upper:.4f}"
    why += f", limit {limit:g}" + (f" ({seen.worst})" if seen.worst else "")
    if upper <= limit:
        return Finding(outcome=Outcome.PASS, because=why)
    if lower > limit:
        return Finding(outcome=Outcome.FAIL, because=why)
    needed = rows_needed(seen.error.rows, observed, lower, upper, limit)
    why += f"; about {needed:,} rows would decide" if needed else ""
    return Finding(outcome=Outcome.INCONCLUSIVE, because=why)
