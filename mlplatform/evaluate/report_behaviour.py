"""How the model behaves: each case of its suite with what failed, and the worst example in words."""

from collections.abc import Sequence
from dataclasses import replace

from mlplatform.evaluate.charts_strip import SHARE, Axis, scale, strip
from mlplatform.evaluate.html import Html
from mlplatform.evaluate.report_gates import ORDER
from mlplatform.evaluate.report_input import ReportInput, Row, finite
from mlplatform.evaluate.report_tables import Cell, above_below, badge, note, section, table
from mlplatform.evaluate.report_words import interval, number, outcome_of

ASKS = {
    "invariance": "stays the same",
    "direction": "moves the right way",
    "minimum": "gets it right",
    "robustness": "bears it",
    "function": "own test",
}


def behaviour(given: ReportInput) -> Html | None:
    """Return the cases, the worst first."""
    verdict = given.verdict("behaviour")
    if verdict is None:
        return None
    cases = given.evidence("behaviour", "cases")
    if not cases:
        return section("Behaviour", note(verdict.because), at="behaviour")
    ranked = sorted(cases, key=lambda case: ORDER.index(outcome_of(case.get("outcome"))))
    tried = [case for case in cases if finite(case, "tried")]
    ends = [finite(case, n) for case in tried for n in ("upper", "max_share")]
    axis = Axis.around([0.0, *ends], within=SHARE)
    columns = ("Case", "Outcome", "#Failed", "~Share that fails", "#May fail", "Worst example")
    drawn = table(
        columns, [_case(case, axis) for case in ranked], because="Worst example",
        class_="wide behaviour", heads={"Share that fails": scale(axis, "limit dashed")},
    )  # fmt: skip
    return section("Behaviour", note(verdict.because), drawn, at="behaviour")


def _case(case: Row, axis: Axis) -> Sequence[Cell]:
    outcome = outcome_of(case.get("outcome"))
    tried, failed, limit = (finite(case, n) for n in ("tried", "failed", "max_share"))
    share = failed / tried if tried and failed is not None else None
    bounds = (finite(case, "lower"), finite(case, "upper"))
    kind = str(case.get("kind", "?"))
    own = replace(axis, limit=limit, bad="above")
    says = f"{case.get('name')}: {number(share)} fail, {interval(*bounds)}, {number(limit)} may"
    error = case.get("error")
    worst = f"Could not be tried: {error}" if error else str(case.get("worst") or "")
    return (
        above_below(str(case.get("name", "?")), f"{kind}: {ASKS[kind]}" if kind in ASKS else kind),
        badge(outcome),
        above_below(f"{number(failed)} of {number(tried)}", interval(*bounds) if tried else ""),
        strip(own, share, bounds, outcome=outcome, says=says) if tried else "",
        f"{limit:.1%}" if limit is not None else "",
        worst,
    )
