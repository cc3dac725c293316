"""Fairness gate: are the groups of a column treated alike, and no less so than by the live model?

Too small to judge is no evidence of fairness. A gap passes where its upper bound holds the limit and
fails where its lower bound, which holds for all groups at once, is beyond it. So does its increase
over the champion's.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import combinations
from typing import Any

from mlplatform.gates.answer import Finding, finite, sentence, worst
from mlplatform.gates.measured import (
    WAY_OUT,
    interval,
    named,
    rows_needed,
    undecided,
    unscored,
    verdict,
)
from mlplatform.model_measures import FairnessSeen, GapSeen, Opponent
from mlplatform.spec.performance_gates import DISPARATE_IMPACT, ERROR_RATIO, FairnessGate
from mlplatform.verdict import Outcome, Verdict

GATE = "fairness"
PAIR = 2  # Groups that a gap is between.
NAMED = 5  # Small groups, and gaps, named in a sentence; the others are counted.
AND = " & "  # Between the columns of an intersection.


def fairness(seen: FairnessSeen | None, groups: Sequence[str], policy: FairnessGate) -> Verdict:
    """Pass when every gap of every declared column, and of each two, is shown to hold its limit.

    And when each is shown to exceed the champion's by no more than `max_increase`. It fails where
    one is shown to exceed either. With fewer than two groups that count, see `FairnessGate`, or
    bounds on both sides of a limit, it is inconclusive. Groups too small to count are named.

    `limit`, `observed` and `interval` are of the first criterion asked for, of its worst column.
    """
    limits = policy.limits(seen.task if seen else "binary")
    first = next(iter(limits), None)
    limit = limits.get(first) if first else None
    nothing = _nothing(seen, groups, limits)
    if nothing or seen is None:
        return verdict(GATE, policy, [nothing] if nothing else [], limit=limit)
    findings = [*_gaps(seen, groups, policy), *_absent(seen, groups, policy)]
    if policy.max_increase is not None and seen.champion and seen.champion.unscored:
        findings.append(unscored(seen.champion, policy.max_increase))
    shown = _first([gap for gap in seen.gaps if gap.criterion == first and gap.column in groups])
    found = verdict(
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
    return replace(found, because=_because(findings))


def _because(findings: Sequence[Finding]) -> str:
    """Return the first of the findings that decided, and how many others did."""
    decided = [finding for finding in findings if finding.outcome is worst(findings)]
    more = len(decided) - NAMED
    others = f"; and {more:,} gaps more" if more > 0 else ""
    return sentence(decided[:NAMED]) + others


def _nothing(
    seen: FairnessSeen | None, groups: Sequence[str], limits: Mapping[str, float]
) -> Finding | None:
    """Return why no gap can be judged, or None."""
    if not limits:
        why = "0 gaps have a limit; set one, such as max_accuracy_gap"
        return Finding(outcome=Outcome.INCONCLUSIVE, because=why)
    if not groups:
        why = f"no groups are declared, so there are 0 to compare (limit {_limits(limits)})"
        return Finding(outcome=Outcome.INCONCLUSIVE, because=why)
    return undecided(seen, f"the limit is {_limits(limits)}")


def _gaps(seen: FairnessSeen, groups: Sequence[str], policy: FairnessGate) -> list[Finding]:
    found = []
    for gap in seen.gaps:
        of = policy if gap.column in groups else policy.of_intersections() or policy
        limit = of.limits(seen.task).get(gap.criterion)
        if limit is not None:
            found.append(_gap(gap, limit, of, seen))
    return found


def _absent(seen: FairnessSeen, groups: Sequence[str], policy: FairnessGate) -> list[Finding]:
    """Return a finding for every gap that has a limit and was not measured."""
    inner = policy.of_intersections()
    asked = [(name, policy.limits(seen.task)) for name in groups]
    if inner is not None:
        asked += [(AND.join(of), inner.limits(seen.task)) for of in combinations(groups, PAIR)]
    measured = {(gap.column, gap.criterion) for gap in seen.gaps}
    found = []
    for name, limits in asked:
        absent = {of: limit for of, limit in limits.items() if (name, of) not in measured}
        if absent:
            why = f"{name}: no gap was measured; the limit is {_limits(absent)}"
            found.append(Finding(outcome=Outcome.FAIL, because=why))
    return found


def _limits(limits: Mapping[str, float]) -> str:
    return ", ".join(f"{limit:g} of {_said(name)}" for name, limit in limits.items())


def _said(criterion: str) -> str:
    return criterion.replace("_", " ")


def _gap(gap: GapSeen, limit: float, policy: FairnessGate, seen: FairnessSeen) -> Finding:
    outcome = _outcome(gap, limit)
    why = _sentence(gap, limit, outcome, policy, seen.rows)
    known = finite(gap.observed) is not None
    grown = _grown(gap, policy.max_increase, seen) if known else None
    if grown:
        why += f"; {grown.because}"
        outcome = worst([Finding(outcome=outcome, because=why), grown])
    return Finding(outcome=outcome, because=why, evidence=_evidence(gap, limit, outcome))


def _grown(gap: GapSeen, most: float | None, seen: FairnessSeen) -> Finding | None:
    """Return whether the gap exceeds the champion's by more than `most`; None where nothing is asked."""
    champion = seen.champion
    if most is None or champion is None or champion.unscored:
        return None
    grown, lower, upper = map(finite, gap.increase or (None, None, None))
    if grown is None or lower is None or upper is None:
        why = (
            f"cannot compare with {named(champion)} (at most {most:g} more): its gap is not defined"
        )
        return Finding(outcome=Outcome.INCONCLUSIVE, because=f"{why}; {WAY_OUT}")
    why = _against(grown, lower, upper, gap.criterion, champion) + f", at most {most:g}"
    if upper <= most:
        return Finding(outcome=Outcome.PASS, because=why)
    if lower > most:
        return Finding(outcome=Outcome.FAIL, because=why)
    needed = rows_needed(seen.rows, grown, lower, upper, most)
    why += f"; about {needed:,} rows would decide" if needed else ""
    return Finding(outcome=Outcome.INCONCLUSIVE, because=why)


def _against(grown: float, lower: float, upper: float, criterion: str, champion: Opponent) -> str:
    of = {DISPARATE_IMPACT: " less", ERROR_RATIO: " of it"}.get(criterion, "")
    bounds = f"95 % bounds {lower:+.3f} and {upper:+.3f}"
    return f"{grown:+.3f}{of} against {named(champion)}, {bounds}"


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
    about, aside = f"{gap.column}: {_said(gap.criterion)}", _aside(gap.small)
    if gap.observed is None or gap.lower is None or gap.upper is None:
        if len(gap.rates) - len(gap.small) >= PAIR:
            none = "a group has no error" if gap.criterion == ERROR_RATIO else "no row is selected"
            return f"{about} is not defined, since {none}; limit {limit:g}{aside}"
        wanted = f"{PAIR} groups with {policy.min_rows}+ rows of each rate are needed"
        return f"{about} (limit {limit:g}): {wanted}{aside}"
    why = f"{about} {gap.observed:.3f}, 95 % bounds {gap.lower:.3f} and {gap.upper:.3f}"
    why += f", limit {limit:g} ({gap.worst}){aside}"
    needed = _rows_needed(gap, limit, rows) if outcome is Outcome.INCONCLUSIVE else None
    return f"{why}; about {needed:,} rows would decide" if needed else why


def _aside(small: Mapping[str, int]) -> str:
    """Return the small groups in words: those with the most rows, and how many others."""
    if not small:
        return ""
    most = sorted(small.items(), key=lambda of: (-of[1], of[0]))
    said = ", ".join(f"{value} with {rows:,}" for value, rows in most[:NAMED])
    more = f" and {len(most) - NAMED:,} more" if len(most) > NAMED else ""
    return f"; too few rows to judge: {said}{more}"


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
