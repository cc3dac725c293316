"""How differently groups are treated: each gap against its limit, and the rates behind it."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from mlplatform.evaluate.charts_strip import SHARE, Axis, scale, strip
from mlplatform.evaluate.html import Html, el
from mlplatform.evaluate.report_input import ReportInput, Row, finite, real
from mlplatform.evaluate.report_tables import Cell, above_below, badge, note, section, table, whole
from mlplatform.evaluate.report_words import interval, name, number, outcome_of, signed

CRITERIA = {
    "accuracy_gap": "largest difference of accuracy",
    "equalized_odds": "larger of the gaps of true and false positive rate",
    "demographic_parity": "largest difference of the selection rate",
    "disparate_impact": "smallest over largest selection rate",
    "error_ratio": "largest over smallest mean error",
}
MORE_IS_BETTER = "disparate_impact"


def fairness(given: ReportInput) -> Html | None:
    """Return gaps against limits, then for each column the rates of its groups."""
    verdict = given.verdict("fairness")
    if verdict is None:
        return None
    gaps = given.evidence("fairness", "groups")
    columns = list(dict.fromkeys(str(gap.get("column")) for gap in gaps))
    rates = [part for column in columns for part in _rates(given, column, gaps)]
    small = verdict.evidence.get("small")
    left = [note(_small(c, g)) for c, g in small.items() if g] if isinstance(small, Mapping) else []
    return section("Fairness", note(verdict.because), _gaps(gaps), left, rates, at="fairness")


def _gaps(gaps: Sequence[Row]) -> list[Html]:
    """Return gaps, of which less is better, and ratios, each on an axis of their own."""
    kinds = [
        [g for g in gaps if (g.get("criterion") == MORE_IS_BETTER) is ratio]
        for ratio in (False, True)
    ]
    return [_against_limits(kind) for kind in kinds if kind]


def _against_limits(gaps: Sequence[Row]) -> Html:
    ratio = gaps[0].get("criterion") == MORE_IS_BETTER
    columns = (
        *("Criterion", "By", "Outcome", "#Ratio" if ratio else "#Gap", "~Against the limit"),
        *("#At least" if ratio else "#At most", "#More than the champion's", "Furthest apart"),
    )
    values = [finite(gap, n) for gap in gaps for n in ("observed", "lower", "upper", "limit")]
    axis = Axis.around([*values, 0.0], bad="below" if ratio else "above", within=SHARE)
    heads = {"Against the limit": scale(axis, "limit dashed")}
    rows = [_gap(gap, axis) for gap in gaps]
    return table(columns, rows, because="Furthest apart", class_="wide", heads=heads)


def _gap(gap: Row, axis: Axis) -> Sequence[Cell]:
    criterion, outcome = str(gap.get("criterion", "?")), outcome_of(gap.get("outcome"))
    observed, lower, upper, limit = (
        finite(gap, n) for n in ("observed", "lower", "upper", "limit")
    )
    own = replace(axis, limit=limit)
    told = interval(lower, upper)
    says = f"{name(criterion)} by {gap.get('column')}: {number(observed)}, {told}, limit {number(limit)}"
    return (
        above_below(name(criterion), CRITERIA.get(criterion, "")),
        whole(str(gap.get("column", "?"))),
        badge(outcome),
        above_below(number(observed), told),
        strip(own, observed, (lower, upper), outcome=outcome, says=says),
        number(limit),
        _increase(gap.get("increase")),
        str(gap.get("worst") or ""),
    )


def _increase(value: Any) -> Cell:
    """Return by how much a gap grew since the champion, with its bounds where they were recorded."""
    if isinstance(value, list | tuple) and len(value) == 3:
        seen = dict(zip(("observed", "lower", "upper"), value, strict=True))
        return above_below(
            signed("", finite(seen, "observed")),
            interval(finite(seen, "lower"), finite(seen, "upper")),
        )
    if isinstance(value, Mapping):
        return _increase([value.get(n) for n in ("observed", "lower", "upper")])
    return signed("", real(value))


def _rates(given: ReportInput, column: str, gaps: Sequence[Row]) -> list[Html]:
    """Return the rates of one column's groups, merged over the criteria that tell them."""
    merged: dict[str, dict[str, Any]] = {}
    for gap in gaps:
        told = gap.get("rates")
        if gap.get("column") == column and isinstance(told, Mapping):
            for group, rates in told.items():
                merged.setdefault(str(group), {}).update(
                    rates if isinstance(rates, Mapping) else {}
                )
    if not merged:
        return []
    kinds = [
        k for k in dict.fromkeys(k for rates in merged.values() for k in rates) if not _counts(k)
    ]
    known = {(r.get("value"), r.get("metric")): r for r in given.slices if r.get("group") == column}
    rows = [
        (group, _rows(rates), *(_rate(rates, kind, known.get((group, kind), {})) for kind in kinds))
        for group, rates in merged.items()
    ]
    head = ("Group", "#Rows", *(f"#{name(kind)}" for kind in kinds))
    return [el("h3", f"Rates by {column}"), table(head, rows, class_="wide")]


def _counts(kind: str) -> bool:
    return kind == "rows" or kind.endswith("_rows")


def _rows(rates: Row) -> str:
    """Return the most rows that a rate is over: those of accuracy, where it was asked for."""
    known = [n for kind in rates if _counts(kind) and (n := finite(rates, kind)) is not None]
    return number(max(known, default=None))


def _rate(rates: Row, kind: str, known: Row) -> Cell:
    """Return a rate with the interval that the slices know of it, and the rows it is over."""
    over = finite(rates, f"{kind}_rows")
    bounds = interval(finite(known, "lower"), finite(known, "upper"))
    rows = f"of {number(over)} rows" if over is not None else ""
    return above_below(number(finite(rates, kind)), "; ".join(b for b in (bounds, rows) if b))


def _small(column: object, groups: object) -> str:
    named = groups.items() if isinstance(groups, Mapping) else []
    return f"Too small to judge, by {column}: {', '.join(f'{g} ({n} rows)' for g, n in named)}."
