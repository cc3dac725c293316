"""What the gates said of a model and how good it was found: from the verdict and the report kept with it."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mlplatform.errors import LakeError
from mlplatform.provenance.steps import Step

if TYPE_CHECKING:
    from mlplatform.lake import Lake
    from mlplatform.registry.record import RegisteredModel

REPORT = "report.json"
UNREADABLE = (LakeError, ValueError, LookupError, TypeError, AttributeError)  # Of another form.
ORDER = ("fail", "inconclusive", "pass")  # The worst is read first.


@dataclass(frozen=True, kw_only=True)
class Gate:
    """One gate's answer; numbers are None where it gave none."""

    gate: str
    outcome: str
    severity: str = ""
    observed: float | None = None
    limit: float | None = None
    baseline: float | None = None
    lower: float | None = None
    upper: float | None = None
    because: str = ""


@dataclass(frozen=True, kw_only=True)
class Metric:
    """One number on the test rows, with the interval it lies in; `champion` is that of the one it was compared with."""

    metric: str
    observed: float | None
    lower: float | None = None
    upper: float | None = None
    champion: float | None = None


@dataclass(frozen=True, kw_only=True)
class Judged:
    """The verdict over all gates, each of them, and the metrics.

    Attributes:
        outcome: pass, fail or inconclusive; empty where no verdict is on record.
        because: In a sentence.
        policy: Digest of the limits and of the code that judged.
        baseline: Digest of the model it was compared with; empty for a first one.
        report: Digest of the artifact with the report page.
        description: What the pipeline predicts.
        owners: Who answers for it.
        gates: Every gate, the worst first.
        metrics: Those of the test rows.
        overrides: Every one that let the model through, when it was judged or registered, oldest first.
        problem: Why the report cannot be read; gates then lack numbers, and metrics their intervals.
    """

    outcome: str = ""
    because: str = ""
    policy: str = ""
    baseline: str = ""
    report: str = ""
    description: str = ""
    owners: Sequence[str] = ()
    gates: Sequence[Gate] = ()
    metrics: Sequence[Metric] = ()
    overrides: Sequence[Mapping[str, str]] = ()
    problem: str = ""


def judged(lake: "Lake", verdict: Step | None, record: "RegisteredModel") -> Judged:
    """Return what a version of `gate_verdict` and its report say, and what was registered where they are gone."""
    plain = tuple(Metric(metric=name, observed=v) for name, v in sorted(record.metrics.items()))
    less: dict[str, Any] = {"metrics": plain, "overrides": _once(record.overrides)}
    if verdict is None or verdict.problem:
        why = verdict.problem if verdict else "no verdict is on record"
        return Judged(outcome=record.verdict.value, **less, problem=why)
    try:
        row, evidence = _row(lake, verdict)
        told = {
            "outcome": row["outcome"],
            "because": row["because"],
            "policy": row["policy_hash"],
            "baseline": row["baseline_digest"],
            "report": verdict.facts.get("report", ""),
            "overrides": _once([*record.overrides, *evidence.get("overrides", [])]),
        }
        short = _short(evidence)
    except UNREADABLE as wrong:
        why = _why(f"{verdict.table} {verdict.reference}", wrong)
        return Judged(outcome=record.verdict.value, **less, problem=why)
    try:
        return Judged(**told, **_reported(lake, told["report"]))
    except UNREADABLE as wrong:
        return Judged(**told, gates=short, metrics=plain, problem=_why(REPORT, wrong))


def _row(lake: "Lake", verdict: Step) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """Return the row of a verdict, and its evidence."""
    row = lake.peek(verdict.table).listed(verdict.number)[-1]
    return row, json.loads(row["evidence"])


def _why(what: str, wrong: Exception) -> str:
    if isinstance(wrong, LakeError):
        return str(wrong)
    return f"{what} has another form than this code reads ({type(wrong).__name__}: {wrong})"


def _once(told: Sequence[Mapping[str, str]]) -> tuple[dict[str, str], ...]:
    """Return each override once, oldest first."""
    once = {(each.get("gate"), each.get("at")): dict(each) for each in told}
    return tuple(sorted(once.values(), key=lambda each: str(each.get("at"))))


def _reported(lake: "Lake", digest: str) -> dict[str, Any]:
    report = json.loads(lake.artifacts.open(digest).read(REPORT))
    gates = [_gate(each) for each in report["gates"]]
    return {
        "description": str(report.get("description") or ""),
        "owners": tuple(report.get("owners") or ()),
        "gates": tuple(sorted(gates, key=_rank)),
        "metrics": tuple(_metric(each) for each in report["metrics"]),
    }


def _gate(told: Mapping[str, Any]) -> Gate:
    lower, upper = told.get("interval") or (None, None)
    said: dict[str, Any] = {n: told.get(n) for n in ("observed", "limit", "baseline")}
    said |= {name: str(told[name]) for name in ("gate", "outcome", "severity", "because")}
    return Gate(**said, lower=lower, upper=upper)


def _metric(told: Mapping[str, Any]) -> Metric:
    numbers = {name: told.get(name) for name in ("observed", "lower", "upper", "champion")}
    return Metric(metric=str(told["metric"]), **numbers)


def _short(evidence: Mapping[str, Any]) -> tuple[Gate, ...]:
    """Return the gates as the verdict itself names them: outcome and reason."""
    gates = [
        Gate(gate=name, outcome=str(said.get("outcome", "")), because=str(said.get("because", "")))
        for name, said in evidence.get("gates", {}).items()
    ]
    return tuple(sorted(gates, key=_rank))


def _rank(gate: Gate) -> tuple[int, str]:
    return (ORDER.index(gate.outcome) if gate.outcome in ORDER else -1, gate.gate)
