"""Behaviour gate: does the model hold what its suite says, on the rows tried and so on all like them?"""

import math
from collections.abc import Mapping
from typing import Any

from mlplatform.gates.answer import Finding, finite, refused
from mlplatform.model_measures import BehaviourSeen, CaseSeen
from mlplatform.spec.trust_gates import BehaviourGate
from mlplatform.statistics.share_limit import decided, rows_needed
from mlplatform.verdict import Outcome, Verdict

GATE = "behaviour"
EXACT = ("minimum", "function")  # Kinds that try no sample: their share is what it is.
# Rows without a failure that show a case which allows none: they bound the failing share below 10 %.
LEAST = 30
NAMED = 3  # Cases told in the sentence; the evidence has them all.


def behaviour(seen: BehaviourSeen | None, policy: BehaviourGate) -> Verdict:
    """Pass when every case holds; of a sample the exact one-sided 95 % bounds decide.

    A case that could not be tried fails. One that the rows give nothing to try for counts neither way, and
    where none gives anything the gate is inconclusive. `observed` is the failing share of the worst case, and
    `limit` what that case allows.
    """
    if seen is None or not seen.cases:
        what = "nobody tried the suite" if seen is None else "0 cases were tried"
        why = f"{what}; declare groups or behaviour (at most {policy.max_flips:.0%} may flip)"
        return refused(GATE, policy.severity, policy.max_flips, why)
    judged = [(case, _finding(case)) for case in seen.cases]
    applies = [pair for pair in judged if not _is_absent(pair[0])]
    order = sorted(applies or judged, key=lambda pair: _badness(*pair), reverse=True)
    case = order[0][0]
    share = _share(case)
    return Verdict(
        gate=GATE,
        outcome=order[0][1].outcome,
        severity=policy.severity,
        inconclusive=policy.inconclusive,
        observed=share,
        limit=case.max_share,
        interval=_interval(case),
        because=_because(order) + _left_out(judged, applies),
        evidence={"cases": [_told(case, finding) for case, finding in judged]},
    )


def _finding(case: CaseSeen) -> Finding:
    share, limit = _share(case), f"{case.max_share:.2%} allowed"
    if _is_absent(case):
        why = f"does not apply (0 rows, {limit}): {case.inapplicable}"
        return Finding(outcome=Outcome.INCONCLUSIVE, because=why)
    if case.error:
        why = f"could not be tried (0 rows, {limit}): {case.error}"
        return Finding(outcome=Outcome.FAIL, because=why)
    if share is None:
        why = f"{case.failed} of {case.tried} is no share, {limit}"
        return Finding(outcome=Outcome.FAIL, because=why)
    told = f"{case.failed:,} of {case.tried:,} fail ({share:.2%}, {limit})"
    if case.kind in EXACT:
        outcome = Outcome.PASS if share <= case.max_share else Outcome.FAIL
        return Finding(outcome=outcome, because=_with_worst(told, case))
    return _by_bounds(case, share, told)


def _by_bounds(case: CaseSeen, share: float, told: str) -> Finding:
    bounds = _interval(case)
    if bounds is None:
        why = f"{told}; the share has no bounds"
        return Finding(outcome=Outcome.FAIL, because=why)
    lower, upper = bounds
    if lower > case.max_share:
        why = _with_worst(f"{told}, at least {lower:.2%} of all", case)
        return Finding(outcome=Outcome.FAIL, because=why)
    if upper <= case.max_share or (not case.max_share and case.tried >= LEAST):
        return Finding(outcome=Outcome.PASS, because=f"{told}, at most {upper:.2%} of all")
    return _undecided(case, share, told, bounds)


def _undecided(case: CaseSeen, share: float, told: str, bounds: tuple[float, float]) -> Finding:
    between = f"{told}; of all it is {bounds[0]:.2%} to {bounds[1]:.2%}"
    if not case.max_share:
        evidence: Mapping[str, Any] = {"rows_needed": LEAST, "power": None}
        why = f"{between}, and {LEAST} rows are needed to show none"
        return Finding(outcome=Outcome.INCONCLUSIVE, because=why, evidence=evidence)
    rows, power = rows_needed(share, case.max_share), decided(case.tried, share, case.max_share)
    wanted = f"about {rows:,} rows are needed" if rows else "no number of rows decides"
    why = f"{between}; {wanted}, {case.tried:,} decide {power:.0%} of the time"
    return Finding(
        outcome=Outcome.INCONCLUSIVE,
        because=_with_worst(why, case),
        evidence={"rows_needed": rows, "power": power},
    )


def _with_worst(told: str, case: CaseSeen) -> str:
    return f"{told}; such as {case.worst}" if case.worst else told


def _is_absent(case: CaseSeen) -> bool:
    """Whether the rows gave nothing to try."""
    return bool(case.inapplicable) and not (case.error or case.tried or case.failed)


def _share(case: CaseSeen) -> float | None:
    if case.error or case.tried < 1 or not 0 <= case.failed <= case.tried:
        return None
    return case.failed / case.tried


def _interval(case: CaseSeen) -> tuple[float, float] | None:
    lower, upper = finite(case.lower), finite(case.upper)
    if lower is None or upper is None or not 0 <= lower <= upper <= 1:
        return None
    return lower, upper


def _badness(case: CaseSeen, finding: Finding) -> tuple[int, float]:
    """Order by outcome, then by the share in limits; what was not tried, or may never fail, is worst."""
    rank = [Outcome.PASS, Outcome.INCONCLUSIVE, Outcome.FAIL].index(finding.outcome)
    share = _share(case)
    if share is None:
        return rank, math.inf
    if case.max_share:
        return rank, share / case.max_share
    return rank, math.inf if share else 0.0


def _because(order: list[tuple[CaseSeen, Finding]]) -> str:
    decided_by = [pair for pair in order if pair[1].outcome is order[0][1].outcome]
    told = [f"'{case.name}' ({case.kind}): {finding.because}" for case, finding in decided_by]
    if order[0][1].outcome is Outcome.PASS:
        return f"all {len(order)} cases hold; nearest to its limit: {told[0]}"
    does = "fail" if order[0][1].outcome is Outcome.FAIL else "are undecided"
    more = f"; and {len(told) - NAMED} more" if len(told) > NAMED else ""
    return f"{len(told)} of {len(order)} cases {does}: {'; '.join(told[:NAMED])}{more}"


def _left_out(
    judged: list[tuple[CaseSeen, Finding]], applies: list[tuple[CaseSeen, Finding]]
) -> str:
    out = [f"'{case.name}' {finding.because}" for case, finding in judged if _is_absent(case)]
    if not out or not applies:
        return ""
    more = f"; and {len(out) - NAMED} more" if len(out) > NAMED else ""
    return f"; {'; '.join(out[:NAMED])}{more}"


def _told(case: CaseSeen, finding: Finding) -> dict[str, Any]:
    return {
        "name": case.name,
        "kind": case.kind,
        "tried": case.tried,
        "failed": case.failed,
        "max_share": case.max_share,
        "lower": finite(case.lower),
        "upper": finite(case.upper),
        "outcome": finding.outcome.value,
        "because": finding.because,
        "worst": case.worst or (finding.because if _is_absent(case) else ""),
        "examples": [dict(example) for example in case.examples],
        "error": case.error,
        "inapplicable": case.inapplicable,
        **finding.evidence,
    }
