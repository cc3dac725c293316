"""For whom the model is weak: every slice of the test rows, the weakest first, and each against the champion."""

from collections.abc import Mapping, Sequence

from mlplatform.evaluate.charts_strip import ANY, SHARE, Axis, scale, strip
from mlplatform.evaluate.html import Html, el
from mlplatform.evaluate.report_input import ReportInput, Row, finite, kind_of
from mlplatform.evaluate.report_tables import Cell, above_below, badge, note, section, table
from mlplatform.evaluate.report_words import (
    FOUND,
    LESS_IS_BETTER,
    interval,
    measure,
    name,
    number,
    outcome_of,
    signed,
)
from mlplatform.verdict import Outcome

SHARES = frozenset({"accuracy", "auc"})
MOST = 20  # Slices in the ranking; the JSON has all.
RANKED_BY = ("accuracy", "pinball", "mae", "rmse", "auc")  # The first that slices have.
BESIDE = (
    *("accuracy", "auc", "f1", "selection_rate", "true_positive_rate", "false_positive_rate"),
    *("macro_f1", "pinball", "coverage", "mae", "bias"),
)
KINDS = {"group": "group", "intersection": "two groups", "weak": "found weak"}


def ranked(given: ReportInput) -> tuple[str, list[Row]]:
    """Return the metric that slices are ranked by, and its rows, the most surely weak first.

    A slice's weakness is how far even the better end of its interval is from the whole; of those that
    reach the whole, how far the value itself is.
    """
    metric = next((m for m in RANKED_BY if any(row.get("metric") == m for row in given.slices)), "")
    whole = given.metrics.get(metric)
    rows = [row for row in given.slices if row.get("metric") == metric and kind_of(row) != "all"]
    sign = -1.0 if metric in LESS_IS_BETTER else 1.0

    def weakness(row: Row) -> tuple[float, float]:
        value, best = finite(row, "observed"), finite(row, "upper" if sign > 0 else "lower")
        if value is None or whole is None:
            return (0.0, float("-inf"))
        sure = sign * (whole - best) if best is not None else 0.0
        return (max(sure, 0.0), sign * (whole - value))

    return metric, sorted(rows, key=weakness, reverse=True)


def slices(given: ReportInput) -> Html | None:
    """Return slices ranked by how weak they are."""
    metric, rows = ranked(given)
    if not rows:
        return None
    shown, whole = rows[:MOST], given.metrics.get(metric)
    values = [finite(row, n) for row in shown for n in ("observed", "lower", "upper")]
    axis = Axis.around(values, line=whole, within=SHARE if metric in SHARES else ANY)
    columns = ("Slice", "Kind", "#Rows", f"#{name(metric)}", "~Interval", "Reading")
    drawn = [_slice(row, metric, axis, whole) for row in shown]
    says = f"The most surely weak first, by {name(metric)}; the solid line is all test rows ({measure(metric, whole)})."
    more = (
        note(f"{len(rows) - MOST} stronger slices are in report.json.")
        if len(rows) > MOST
        else None
    )
    heads = {"Interval": scale(axis, "95 %")}
    tables = table(columns, drawn, class_="wide slices", heads=heads)
    return section(
        "Slices, the weakest first", note(says), tables, more, by_group(given), at="slices"
    )


def _slice(row: Row, metric: str, axis: Axis, whole: float | None) -> Sequence[Cell]:
    value, lower, upper = (finite(row, n) for n in ("observed", "lower", "upper"))
    words = _reading(value, lower, upper, whole, metric)
    outcome = Outcome.FAIL if words == "weaker" else Outcome.PASS
    says = f"{row.get('slice')}: {measure(metric, value)}, {interval(lower, upper)}"
    return (
        str(row.get("slice", "?")),
        above_below(KINDS.get(kind_of(row), kind_of(row)), FOUND if kind_of(row) == "weak" else ""),
        number(finite(row, "rows")),
        above_below(measure(metric, value), interval(lower, upper)),
        strip(axis, value, (lower, upper), outcome=outcome, says=says),
        f"{'▼ ' if words == 'weaker' else '▲ ' if words == 'stronger' else ''}{words}",
    )


def _reading(
    value: float | None, lower: float | None, upper: float | None, whole: float | None, metric: str
) -> str:
    if value is None or whole is None:
        return "not defined"
    if lower is None or upper is None or lower <= whole <= upper:
        return "not told apart"
    return "weaker" if (lower > whole) == (metric in LESS_IS_BETTER) else "stronger"


def by_group(given: ReportInput) -> list[Html]:
    """Return a table of several metrics for each group column."""
    rows = [row for row in given.slices if kind_of(row) == "group"]
    columns = list(dict.fromkeys(str(row["group"]) for row in rows if row.get("group")))
    return [part for c in columns for part in _group(c, [r for r in rows if r["group"] == c])]


def _group(column: str, rows: Sequence[Row]) -> tuple[Html, Html]:
    by_value: dict[str, dict[str, Row]] = {}
    for row in rows:
        by_value.setdefault(str(row.get("value")), {})[str(row.get("metric"))] = row
    present = {str(row.get("metric")) for row in rows}
    metrics = [metric for metric in BESIDE if metric in present][:6]
    body = [
        (
            value,
            number(max(finite(r, "rows") or 0 for r in seen.values())),
            *(_of(seen, m) for m in metrics),
        )
        for value, seen in by_value.items()
    ]
    head = ("Group", "#Rows", *(f"#{name(metric)}" for metric in metrics))
    return el("h3", column), table(head, body, class_="wide")


def _of(seen: Mapping[str, Row], metric: str) -> Cell:
    row = seen.get(metric, {})
    return above_below(
        measure(metric, finite(row, "observed")),
        interval(finite(row, "lower"), finite(row, "upper")),
    )


def regression(given: ReportInput) -> Html | None:
    """Return every slice that the regression gate judged, against the champion."""
    verdict = given.verdict("regression")
    if verdict is None:
        return None
    rows = given.evidence("regression", "slices")
    says = note(verdict.because)
    small = verdict.evidence.get("small")
    left = note(_small(small)) if isinstance(small, Mapping) and small else None
    if not rows:
        return section("Against the champion, slice by slice", says, left, at="regression")
    values = [finite(row, n) for row in rows for n in ("better", "lower", "upper")]
    margin = max((finite(row, "margin") or 0.0 for row in rows), default=0.0)
    axis = Axis.around(values, limit=-margin, line=0.0)
    heads = {"Difference": scale(axis)}
    columns = (
        "Slice",
        "Outcome",
        "#Rows",
        "#This model",
        "#Champion",
        "#Better by",
        "~Difference",
        "Rows that flip",
    )
    worst = sorted(rows, key=lambda row: finite(row, "lower") or 0.0)
    drawn = table(
        columns, [_against(row, axis) for row in worst], class_="wide forest", heads=heads
    )
    bounds = (
        "Bounds hold for all slices at once, 95 % one-sided. Dashed: the margin, solid: equal. A slice fails where "
        "all of its interval is beyond the margin."
    )
    return section(
        "Against the champion, slice by slice", says, note(bounds), drawn, left, at="regression"
    )


def _against(row: Row, axis: Axis) -> Sequence[Cell]:
    outcome = outcome_of(row.get("outcome"))
    better, lower, upper = (finite(row, n) for n in ("better", "lower", "upper"))
    gained, lost = finite(row, "gained"), finite(row, "lost")
    flips = (
        "" if gained is None or lost is None else f"{number(gained)} gained, {number(lost)} lost"
    )
    told = interval(lower, upper)
    return (
        str(row.get("slice", "?")),
        badge(outcome),
        number(finite(row, "rows")),
        number(finite(row, "candidate")),
        number(finite(row, "champion")),
        above_below(signed("", better), told),
        strip(
            axis,
            better,
            (lower, upper),
            outcome=outcome,
            says=f"{row.get('slice')}: {signed('', better)}, {told}",
        ),
        flips,
    )


def _small(small: Mapping[str, object]) -> str:
    named = [f"{slice_} ({rows} rows)" for slice_, rows in list(small.items())[:12]]
    more = f" and {len(small) - 12} more" if len(small) > 12 else ""
    return f"Too small to judge: {', '.join(named)}{more}."
