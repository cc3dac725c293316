"""Fairness gate: are the groups of a column treated alike, and no less so than by the live model?

Too small to judge is no evidence of fairness. A gap passes where its upper bound holds the limit and
fails where its lower bound, which holds for all groups at once, is beyond it.
"""

from collections.abc import Sequence
from typing import Any

from mlplatform.gates.answer import Finding, finite
from mlplatform.gates.measured import interval, rows_needed, undecided, unscored, verdict
from mlplatform.model_measures import FairnessSeen, GapSeen
from mlplatform.spec.performance_gates import DISPARATE_IMPACT, FairnessGate
from mlplatform.verdict import Outcome, Verdict

GATE = "fairness"
PAIR = 2  # Groups that a gap is between.


def fairness(seen: FairnessSeen | None, groups: Sequence[str], policy: FairnessGate) -> Verdict:
    """Pass when every gap of every declared column is shown to hold its limit.

    It fails where one is shown to exceed it, or to exceed the champion's by more than
    `max_increase`. Groups of fewer than `min_rows` are named and not judged; with fewer than two
    left, or bounds on both sides of the limit, it is inconclusive.

    `limit`, `observed` and `interval` are of the first criterion asked for, of its worst column.
    """
    limits = policy.limits()
    first = next(iter(limits), None)
    limit = limits.get(first) if first else None
    nothing = _nothing(seen, groups, limits)
    if nothing or seen is None:
        return verdict(GATE, policy, [nothing] if nothing else [], limit=limit)
    findings = [_gap(gap, limits[gap.criterion], policy, seen.rows) for gap in seen.gaps]
    absent = [name for name in groups if name not in {gap.column for gap in seen.gaps}]
    for name in absent:
        why = f"{name}: no gap was measured; the limit is {_limits(limits)}"
        findings.append(Finding(outcome=Outcome.FAIL, because=why))
    if policy.max_increase is not None and seen.champion and seen.champion.unscored:
        findings.append(unscored(seen.champion, policy.max_increase))
    shown = _first([gap for gap in seen.gaps if gap.criterion == first])
    return verdict(
        GATE,
        policy,
        findings,
        {
            "groups": [finding.evidence for finding in findings if finding.evidence],
            "small": {gap.column: dict(gap.small) for gap in seen.gaps if gap.small},
        },
        limit=limit,
        observed=finite(shown.observed) if shown else None,
        interval=interval(shown.lower, shown.upper) if shown else None,
    )


def _nothing(
    seen: FairnessSeen | None, groups: Sequence[str], limits: dict[str, float]
) -> Finding | None:
    """Return why no gap can be judged, or None."""
    if not limits:
        why = "0 gaps have a limit; set one, such as max_accuracy_gap"
        return Finding(outcome=Outcome.INCONCLUSIVE, because=why)
    if not groups:
        why = f"no groups are declared, so there are 0 to compare (limit {_limits(limits)})"
        return Finding(outcome=Outcome.INCONCLUSIVE, because=why)
    return undecided(seen, f"the limit is {_limits(limits)}")


def _limits(limits: dict[str, float]) -> str:
    return ", ".join(f"{limit:g} of {_said(name)}" for name, limit in limits.items())


def _said(criterion: str) -> str:
    return criterion.replace("_", " ")


def _gap(gap: GapSeen, limit: float, policy: FairnessGate, rows: int) -> Finding:
    outcome = _outcome(gap, limit)
    why = _sentence(gap, limit, outcome, policy, rows)
    increase = gap.increase if policy.max_increase is not None else None
    if increase and policy.max_increase is not None and increase[1] > policy.max_increase:
        outcome = Outcome.FAIL
        why += f"; {increase[0]:+.3f} against the champion, at least {increase[1]:+.3f}"
        why += f", where {policy.max_increase:g} is the most"
    return Finding(outcome=outcome, because=why, evidence=_evidence(gap, limit, outcome))


def _outcome(gap: GapSeen, limit: float) -> Outcome:
    observed, lower, upper = (finite(of) for of in (gap.observed, gap.lower, gap.upper))
    if observed is None or lower is None or upper is None:
        return Outcome.INCONCLUSIVE
    if gap.criterion == DISPARATE_IMPACT:  # Better when larger.
        lower, upper, limit = -upper, -lower, -limit
    if upper <= limit:
        return Outcome.PASS
    return Outcome.FAIL if lower > limit else Outcome.INCONCLUSIVE


def _sentence(gap: GapSeen, limit: float, outcome: Outcome, policy: FairnessGate, rows: int) -> str:
    about = f"{gap.column}: {_said(gap.criterion)}"
    small = ", ".join(f"{value} with {n:,}" for value, n in gap.small.items())
    aside = f"; too few rows to judge: {small}" if small else ""
    if gap.observed is None or gap.lower is None or gap.upper is None:
        enough = len(gap.rates) - len(gap.small)
        if enough >= PAIR:
            return f"{about} is not defined, since no row is selected; limit {limit:g}{aside}"
        wanted = f"{PAIR} groups with {policy.min_rows}+ rows of each rate are needed"
        return f"{about} (limit {limit:g}): {wanted}{aside}"
    why = f"{about} {gap.observed:.3f}, 95 % bounds {gap.lower:.3f} and {gap.upper:.3f}"
    why += f", limit {limit:g} ({gap.worst}){aside}"
    needed = _rows_needed(gap, limit, rows) if outcome is Outcome.INCONCLUSIVE else None
    return f"{why}; about {needed:,} rows would decide" if needed else why


def _rows_needed(gap: GapSeen, limit: float, rows: int) -> int | None:
    """Return how many rows like these decide with 80 % power if the gap is as seen."""
    if gap.observed is None or gap.lower is None or gap.upper is None:
        return None
    unbounded = gap.observed < limit and gap.upper >= 1  # A rate that too few groups have rows of.
    if unbounded:
        return None
    return rows_needed(rows, gap.observed, gap.lower, gap.upper, limit)


def _evidence(gap: GapSeen, limit: float, outcome: Outcome) -> dict[str, Any]:
    return {
        "column": gap.column,
        "criterion": gap.criterion,
        "observed": finite(gap.observed),
        "lower": finite(gap.lower),
        "upper": finite(gap.upper),
        "limit": limit,
        "outcome": outcome.value,
        "increase": [finite(of) for of in gap.increase] if gap.increase else None,
        "worst": gap.worst,
        "rates": {value: dict(rates) for value, rates in gap.rates.items()},
    }


def _first(gaps: Sequence[GapSeen]) -> GapSeen | None:
    """Return the worst gap of those measured."""
    known = [gap for gap in gaps if finite(gap.observed) is not None]
    smaller = bool(known) and known[0].criterion == DISPARATE_IMPACT
    return max(known, key=lambda gap: (-1 if smaller else 1) * (gap.observed or 0.0), default=None)
