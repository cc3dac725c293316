"""The report's verdict, who overrode it, and every gate as one line."""

from collections import Counter
from collections.abc import Sequence

from mlplatform.evaluate.html import Html, el
from mlplatform.evaluate.report_input import ReportInput, Row, finite, mappings
from mlplatform.evaluate.report_tables import (
    Cell,
    above_below,
    badge,
    note,
    optional,
    section,
    table,
    whole,
)
from mlplatform.evaluate.report_words import interval, number, outcome_of, said, severity
from mlplatform.verdict import Outcome, Verdict

ORDER = (Outcome.FAIL, Outcome.INCONCLUSIVE, Outcome.PASS)  # The worst is read first.
COUNTED = {Outcome.FAIL: "failed", Outcome.INCONCLUSIVE: "inconclusive", Outcome.PASS: "passed"}


def verdict(given: ReportInput) -> Html:
    """Return the verdict over all gates, in a box that is seen first."""
    overall = given.overall
    if overall is None:
        waiting = el("span", "? Not judged yet", class_="outcome")
        says = "No verdict over all gates; this model cannot be released."
        return el("div", waiting, el("p", says), class_="verdict inconclusive")
    says = el("p", overall.because)
    return el("div", badge(overall.outcome), says, class_=f"verdict {overall.outcome}")


def overrides(given: ReportInput) -> list[Html]:
    """Return a box for each gate that a person let pass: who, why, and until when."""
    return [_override(each) for each in given.overrides]


def _override(row: Row) -> Html:
    gate, outcome = str(row.get("gate", "?")).replace("_", " "), outcome_of(row.get("outcome"))
    facts = [
        (el("dt", what), el("dd", _when(row.get(name))))
        for what, name in (("by", "by"), ("why", "because"), ("since", "at"), ("until", "until"))
    ]
    title = el("p", "⚑ Overridden: ", el("b", gate), f" ({said(outcome)})", class_="flag")
    return el("div", title, el("dl", facts), class_="override")


def _when(value: object) -> str:
    """Return what was recorded, instants without their fractions of a second."""
    text = str(value or "not recorded")
    instant = len(text) >= 19 and text[4:5] == "-" and text[10:11] in {"T", " "}
    return text[:16].replace("T", " ") + " UTC" if instant else text


def gates(given: ReportInput) -> Html:
    """Return every gate's answer, the worst first."""
    if not given.verdicts:
        return section("Gates", el("p", "No gate has judged this model."), at="gates")
    overridden = {str(row.get("gate")) for row in given.overrides}
    ranked = sorted(given.verdicts, key=lambda v: ORDER.index(v.outcome))
    columns = ("Gate", "Outcome", "#Observed", "#Limit", "#Baseline", "If not passed", "Evidence")
    rows = [_row(v, overridden) for v in ranked]
    drawn = table(columns, rows, because="Evidence", class_="wide gates")
    return section("Gates", note(count(given.verdicts)), drawn, at="gates")


def count(verdicts: Sequence[Verdict]) -> str:
    """Return how many failed, were inconclusive and passed."""
    seen = Counter(v.outcome for v in verdicts)
    told = [f"{seen[outcome]} {COUNTED[outcome]}" for outcome in ORDER if seen[outcome]]
    return f"{len(verdicts)} gates: {', '.join(told)}."


def _measured(v: Verdict) -> tuple[Cell, Cell]:
    """Return what was observed and the limit: of a gate on several paths each of them, its own beside it."""
    limited = paths(v)
    if not limited:
        seen = above_below(number(v.observed), interval(*v.interval)) if v.interval else None
        return seen or optional(v.observed), optional(v.limit)
    observed = [
        above_below(
            f"{path.get('path')} {number(finite(path, 'p99'))}",
            interval(finite(path, "p99_lower"), finite(path, "p99_upper")),
        )
        for path in limited
    ]
    limits = [el("span", f"{path.get('path')} {number(finite(path, 'limit'))}") for path in limited]
    return el("span", observed, class_="stack"), el("span", limits, class_="stack")


def paths(v: Verdict) -> list[Row]:
    """Return the ways that a gate timed, each with a limit of its own; of any other gate none."""
    return [path for path in mappings(v.evidence.get("paths")) if finite(path, "limit") is not None]


def _row(v: Verdict, overridden: set[str]) -> Sequence[Cell]:
    flag = el("span", "⚑ Overridden", class_="flag") if v.gate in overridden else ""
    return (
        v.gate.replace("_", " "),
        el("span", badge(v.outcome), flag, class_="stack"),
        *_measured(v),
        optional(v.baseline),
        whole(severity(v), 11),
        v.because,
    )
