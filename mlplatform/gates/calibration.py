"""Calibration gate: does a probability mean what it says, and do quantiles hold their share?"""

import math
from dataclasses import dataclass
from typing import Any

from mlplatform.gates.answer import Finding, finite
from mlplatform.gates.measured import counted, interval, rows_needed, undecided, verdict
from mlplatform.model_measures import CalibrationSeen, PromiseSeen
from mlplatform.spec.performance_gates import CalibrationGate
from mlplatform.statistics import share_limit
from mlplatform.statistics.compared import Interval
from mlplatform.verdict import Outcome, Verdict

GATE = "calibration"
CLOSE = 1e-9
RARER = "the rarer class, said against seen,"


def calibration(seen: CalibrationSeen | None, policy: CalibrationGate) -> Verdict:
    """Pass when the error's upper bound is at most `max_error`, fail when its lower bound is above it.

    So of each quantile, whose limit is at most a share of its tail, and of the factor between how often the
    rarer of two classes is said and seen. Bounds that enclose a limit are inconclusive, saying how many
    rows would decide.
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
        _findings(seen, policy),
        {
            "observed": observed,
            "lower": lower,
            "upper": upper,
            "what": seen.what,
            "worst": seen.worst,
            "rows": seen.error.rows,
            "promises": [_said(each) for each in seen.promises],
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


def _findings(seen: CalibrationSeen, policy: CalibrationGate) -> list[Finding]:
    """Judge the error, of quantiles that of each by itself, which is no larger, and what is promised."""
    promises = _promises(seen, policy)
    of_quantiles = any(each.kind == "quantile" for each in seen.promises)
    return promises if of_quantiles else [_finding(seen, policy.max_error), *promises]


def _finding(seen: CalibrationSeen, limit: float) -> Finding:
    of = seen.error
    about = f"({seen.worst})" if seen.worst else ""
    found = _judged(seen.what, of, limit, about)
    if found.outcome is not Outcome.INCONCLUSIVE or None in (finite(of.lower), finite(of.upper)):
        return found
    if of.method == "exact":  # Answers that are 0 and 1: the error is the share of wrong ones.
        return _with_rows(found, share_limit.rows_needed(of.observed, limit))
    return _with_rows(found, rows_needed(of.rows, of.observed, of.lower, of.upper, limit))


def _judged(what: str, of: Interval, limit: float, about: str) -> Finding:
    if None in (finite(of.observed), finite(of.lower), finite(of.upper)):
        why = f"{what} is not defined on {counted(of.rows)}; the limit is {limit:g}"
        return Finding(outcome=Outcome.INCONCLUSIVE, because=why)
    observed, lower, upper = (
        f"{each:.4g}" if each >= 1 else f"{each:.4f}" for each in (of.observed, of.lower, of.upper)
    )
    why = f"{what} {observed} on {counted(of.rows)}, 95 % bounds {lower} and {upper}"
    why += f", limit {limit:g}" + (f" {about}" if about else "")
    if of.upper <= limit:
        return Finding(outcome=Outcome.PASS, because=why)
    undecided = of.lower <= limit
    return Finding(outcome=Outcome.INCONCLUSIVE if undecided else Outcome.FAIL, because=why)


def _with_rows(found: Finding, needed: int | None) -> Finding:
    more = f"; about {needed:,} rows would decide" if needed else ""
    return Finding(outcome=found.outcome, because=found.because + more)


def _promises(seen: CalibrationSeen, policy: CalibrationGate) -> list[Finding]:
    """Judge each quantile by its own tail, and how often the rarer class is said."""
    found = []
    for each in seen.promises:
        if each.kind == "quantile":
            tail = min(each.promised, 1 - each.promised)
            limit = min(policy.max_error, policy.max_tail_error * tail)
            what, about = f"gap of quantile {each.promised:g}", f"(below it {each.seen:.3f})"
            found.append(_promise(_judged(what, each.error, limit, about), each, limit))
        elif policy.max_ratio is not None:
            about = f"(said {each.promised:.4f}, seen {each.seen:.4f})"
            judged = _judged(f"factor of {RARER}", each.error, policy.max_ratio, about)
            found.append(_promise(judged, each, policy.max_ratio))
    return found


def _promise(found: Finding, of: PromiseSeen, limit: float) -> Finding:
    """Add the rows that would decide: those that tell the share seen from each end of what is allowed."""
    if found.outcome is not Outcome.INCONCLUSIVE:
        return found
    if of.kind == "quantile":
        ends = [of.promised - limit, of.promised + limit]
    else:
        ends = [of.promised / limit, of.promised * limit]
    nearest = min(ends, key=lambda end: abs(end - of.seen))
    if math.isclose(nearest, of.seen, abs_tol=CLOSE):
        return found  # It is seen on the limit itself, which no number of rows decides.
    within = min(ends) < of.seen < max(ends)
    needed = [share_limit.rows_needed(of.seen, end) for end in (ends if within else [nearest])]
    return _with_rows(found, max((rows for rows in needed if rows), default=None))


def _said(each: PromiseSeen) -> dict[str, Any]:
    return {
        "kind": each.kind,
        "promised": finite(each.promised),
        "seen": finite(each.seen),
        "observed": finite(each.error.observed),
        "lower": finite(each.error.lower),
        "upper": finite(each.error.upper),
    }
