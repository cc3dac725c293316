"""The report in short, as Markdown: good in a pull request and in the Dagster UI."""

from mlplatform.evaluate.markdown import escaped, table
from mlplatform.evaluate.report_gates import ORDER, count, paths
from mlplatform.evaluate.report_input import ReportInput, Row, finite
from mlplatform.evaluate.report_performance import HEADLINE
from mlplatform.evaluate.report_slices import ranked
from mlplatform.evaluate.report_words import (
    interval,
    measure,
    name,
    number,
    outcome_of,
    said,
    severity,
    slice_name,
)
from mlplatform.verdict import Outcome, Verdict

WEAKEST = 5  # Slices that are named.


def report_markdown(given: ReportInput) -> str:
    """Return verdict, overrides, gates, metrics and the weakest slices."""
    parts = [_verdict(given), *map(_override, given.overrides)]
    parts += [
        "## Gates",
        gates(given) or "No gate has judged this model.",
        "## Test metrics",
        metrics(given),
    ]
    weak = _weakest(given)
    parts += ["## Weakest slices", weak] if weak else []
    about = [f"- {escaped(what)}: {escaped(value)}" for what, value in given.about.items()]
    parts += ["## About", "\n".join(about), "The whole report is in `report.html`."]
    return "\n\n".join(parts) + "\n"


def _verdict(given: ReportInput) -> str:
    outcome = said(given.overall.outcome) if given.overall else "? Not judged yet"
    why = (
        given.overall.because
        if given.overall
        else "No verdict over all gates; this model cannot be released."
    )
    title = f"# {outcome}: {escaped(given.pipeline)}, model {escaped(given.model_version)}"
    return f"{title}\n\n{escaped(why)}"


def _override(row: Row) -> str:
    gate = escaped(row.get("gate", "?"))
    who, why, until = (escaped(row.get(n) or "not recorded") for n in ("by", "because", "until"))
    return f"> **⚑ Overridden: {gate}** ({said(outcome_of(row.get('outcome')))}) by {who}, until {until}: {why}"


def gates(given: ReportInput) -> str:
    """Return the gates as a table, the worst first; nothing where none has judged."""
    if not given.verdicts:
        return ""
    overridden = {str(row.get("gate")) for row in given.overrides}
    ranked_ = sorted(given.verdicts, key=lambda v: ORDER.index(v.outcome))
    head = ("Gate", "Outcome", "#Observed", "#Limit", "Evidence")
    drawn = table(head, [_gate(v, overridden) for v in ranked_])
    return f"{count(given.verdicts)}\n\n{drawn}"


def _gate(v: Verdict, overridden: set[str]) -> tuple[str, ...]:
    does = f" ({severity(v)})" if v.outcome is not Outcome.PASS else ""
    flag = " ⚑ overridden" if v.gate in overridden else ""
    observed, limit = (number(n) if n is not None else "" for n in (v.observed, v.limit))
    if limited := paths(v):
        observed, limit = (
            ", ".join(f"{path.get('path')} {number(finite(path, n))}" for path in limited)
            for n in ("p99", "limit")
        )
    return v.gate.replace("_", " "), said(v.outcome) + does + flag, observed, limit, v.because


def metrics(given: ReportInput) -> str:
    """Return the metrics with their intervals, beside the champion's."""
    theirs = given.champion.metrics if given.champion else {}
    head = ("Metric", "#This model", "95 % interval", *(["#Champion"] if theirs else []))
    rows = [
        (
            name(m),
            measure(m, given.metrics[m]),
            interval(*given.intervals.get(m, (None, None))),
            *([measure(m, theirs.get(m))] if theirs else []),
        )
        for m in HEADLINE
        if m in given.metrics
    ]
    return table(head, rows)


def _weakest(given: ReportInput) -> str:
    metric, rows = ranked(given)
    if not rows:
        return ""
    told = [
        (
            slice_name(row),
            number(finite(row, "rows")),
            measure(metric, finite(row, "observed")),
            interval(finite(row, "lower"), finite(row, "upper")),
        )
        for row in rows[:WEAKEST]
    ]
    return table(("Slice", "#Rows", f"#{name(metric)}", "95 % interval"), told)
