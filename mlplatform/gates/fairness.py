"""Fairness gate: is anyone who should be found, found less often because of their group?

The gap of true positive rates, called equality of opportunity: Hardt, Price & Srebro (2016),
"Equality of Opportunity in Supervised Learning", NeurIPS.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mlplatform.gates.answer import Finding, finite, refused, sentence, worst
from mlplatform.spec.model_gates import FairnessGate
from mlplatform.verdict import Outcome, Verdict

if TYPE_CHECKING:
    import pyarrow as pa

METRIC = "true_positive_rate"


@dataclass(frozen=True, kw_only=True)
class _Rate:
    value: str
    positives: int
    rate: float | None


def fairness(slices: "pa.Table | None", groups: Sequence[str], policy: FairnessGate) -> Verdict:
    """Pass when no two groups of one column differ by more than `max_gap` in true positive rate.

    Groups with fewer than `min_positives` positives are named and not judged. A column in which
    fewer than two groups are left is inconclusive.

    Args:
        slices: The table of `evaluate.slices.by_group`; `rows` of a rate are its positives.
        groups: Every column that has to be judged, as the spec declares them.
        policy: The limits.
    """
    if not groups:
        why = f"no groups are declared, so there are 0 to compare (limit {policy.max_gap:g})"
        return refused(
            "fairness", policy.severity, policy.max_gap, why, outcome=Outcome.INCONCLUSIVE
        )
    rates = _rates(slices)
    findings = {column: _column(column, rates.get(column, []), policy) for column in groups}
    gaps = [g for f in findings.values() if (g := f.evidence.get("gap")) is not None]
    return Verdict(
        gate="fairness",
        outcome=worst(list(findings.values())),
        severity=policy.severity,
        observed=max(gaps, default=None),
        limit=policy.max_gap,
        because=sentence(list(findings.values())),
        evidence={column: finding.evidence for column, finding in findings.items()},
    )


def _rates(slices: "pa.Table | None") -> dict[str, list[_Rate]]:
    found: dict[str, list[_Rate]] = {}
    for row in slices.to_pylist() if slices is not None else []:
        if row["metric"] == METRIC and row["group"]:
            rate = _Rate(value=row["value"], positives=row["rows"], rate=finite(row["observed"]))
            found.setdefault(row["group"], []).append(rate)
    return found


def _column(column: str, rates: Sequence[_Rate], policy: FairnessGate) -> Finding:
    if not rates:
        why = f"{column}: not measured; the limit is {policy.max_gap:g}"
        return Finding(outcome=Outcome.FAIL, because=why)
    judged = [r for r in rates if r.positives >= policy.min_positives]
    small = {r.value: r.positives for r in rates if r.positives < policy.min_positives}
    unknown = [r.value for r in judged if r.rate is None]
    if unknown:
        why = f"{column}: no rate for {', '.join(unknown)}; the limit is {policy.max_gap:g}"
        return Finding(outcome=Outcome.FAIL, because=why, evidence={"too_small": small})
    known = [(r.rate, r) for r in judged if r.rate is not None]
    if len(known) <= 1:
        why = f"{column}: {len(known)} groups with {policy.min_positives}+ positives, 2 needed"
        why += f" ({_named(small)})" if small else ""
        return Finding(outcome=Outcome.INCONCLUSIVE, because=why, evidence={"too_small": small})
    low, high = (pick(known, key=lambda pair: pair[0]) for pick in (min, max))
    gap = high[0] - low[0]
    return Finding(
        outcome=Outcome.PASS if gap <= policy.max_gap else Outcome.FAIL,
        because=_compared(column, low[1], high[1], gap, small, policy),
        evidence={
            "gap": gap,
            "rates": {r.value: {"rate": rate, "positives": r.positives} for rate, r in known},
            "too_small": small,
        },
    )


def _compared(
    column: str, low: _Rate, high: _Rate, gap: float, small: Mapping[str, int], policy: Any
) -> str:
    rates = f"{low.rate:.3f} for {low.value}, {high.rate:.3f} for {high.value}"
    why = f"{column}: true positive rate {rates}, gap {gap:.3f}, limit {policy.max_gap:g}"
    return f"{why}; too small to judge: {_named(small)}" if small else why


def _named(small: Mapping[str, int]) -> str:
    return ", ".join(f"{value} with {positives}" for value, positives in small.items())
