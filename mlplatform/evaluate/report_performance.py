"""How good the model is, beside the champion and beside what needs no model."""

from collections.abc import Sequence
from dataclasses import replace

from mlplatform.evaluate.charts_strip import Axis, scale, strip
from mlplatform.evaluate.html import Html, el
from mlplatform.evaluate.report_input import Bounds, Champion, ReportInput, Row, finite
from mlplatform.evaluate.report_tables import Cell, above_below, badge, note, section, table
from mlplatform.evaluate.report_words import (
    OF_THE_ROWS,
    interval,
    measure,
    name,
    number,
    outcome_of,
    reading,
    signed,
)
from mlplatform.verdict import Outcome

HEADLINE = (
    *("auc", "accuracy", "f1", "average_precision", "log_loss", "brier", "calibration_error"),
    *(
        "macro_f1",
        "macro_auc",
        "pinball",
        "coverage",
        "interval_width",
        "rmse",
        "mae",
        "r2",
        "bias",
    ),
)


def headline(given: ReportInput) -> Html:
    """Return the metrics that are read first, each with its interval and the champion's."""
    shown = [metric for metric in HEADLINE if metric in given.metrics]
    rows = given.metrics.get("rows")
    on = f" on {number(rows)} held-out rows" if rows else ""
    tiles = el("div", [_tile(metric, given) for metric in shown], class_="tiles")
    says = note("With 95 % intervals, where there are some.") if given.intervals else None
    return section(f"Test metrics{on}", says, tiles, at="metrics")


def _tile(metric: str, given: ReportInput) -> Html:
    before = given.champion.metrics.get(metric) if given.champion else None
    return el(
        "div",
        el("span", name(metric)),
        el("b", measure(metric, given.metrics[metric])),
        _bounds(given.intervals, metric),
        el("span", f"champion {measure(metric, before)}") if before is not None else None,
        class_="tile",
    )


def _bounds(intervals: Bounds, metric: str) -> Html | None:
    found = interval(*intervals[metric]) if metric in intervals else ""
    return el("span", found) if found else None


def against_champion(given: ReportInput) -> Html:
    """Return what was compared with the champion, its margins drawn, and all metrics of both."""
    champion = given.champion
    if champion is None:
        first = el("p", "The first model of this pipeline: there was no champion to compare with.")
        return section("Against the champion", first, _trivial(given), at="champion")
    title = f"Against the champion, {champion.name}"
    if champion.unscored:
        cannot = el("p", "The champion could not be scored: ", champion.unscored, class_="because")
        return section(title, cannot, _trivial(given), at="champion")
    compared = given.evidence("performance", "compared")
    return section(title, _forest(compared), _both(given, champion), _trivial(given), at="champion")


def outcome_of_difference(row: Row) -> Outcome:
    """Return what the gate said of a difference, or where it said nothing what the bounds say of the margin."""
    if "outcome" in row:
        return outcome_of(row["outcome"])
    lower, upper, margin = (finite(row, n) for n in ("lower", "upper", "margin"))
    if lower is None or upper is None or margin is None:
        return Outcome.INCONCLUSIVE
    return (
        Outcome.PASS
        if lower > -margin
        else Outcome.FAIL
        if upper < -margin
        else Outcome.INCONCLUSIVE
    )


def _forest(compared: Sequence[Row]) -> list[Html]:
    if not compared:
        return []
    scaled = {id(row): in_margins(row) for row in compared}
    values = [v for three in scaled.values() for v in three]
    axis = Axis.around(values, limit=-1.0, line=0.0)
    columns = (
        "Metric",
        "Outcome",
        "#This model",
        "#Champion",
        "#Better by",
        "~In margins",
        "Rows that flip",
    )
    rows = [_compared(row, scaled[id(row)], axis) for row in compared]
    heads = {"In margins": scale(axis, "in margins")}
    says = (
        "By how much this model is better on the same rows, with one-sided 95 % bounds on both sides. It passes "
        "where the lower bound is above the margin (dashed; worse is shaded); the solid line is equal."
    )
    return [note(says), table(columns, rows, class_="wide forest", heads=heads)]


def in_margins(row: Row) -> tuple[float | None, float | None, float | None]:
    """Return difference and bounds in margins; with a margin of nothing in its own greatest reach."""
    seen = [finite(row, n) for n in ("better", "lower", "upper")]
    unit = finite(row, "margin") or max((abs(v) for v in seen if v is not None), default=1.0) or 1.0
    better, lower, upper = (v / unit if v is not None else None for v in seen)
    return better, lower, upper


def _compared(row: Row, scaled: tuple[float | None, ...], axis: Axis) -> Sequence[Cell]:
    metric, outcome = str(row.get("metric", "?")), outcome_of_difference(row)
    own = axis if finite(row, "margin") else replace(axis, limit=0.0)
    told = [
        interval(finite(row, "lower"), finite(row, "upper")),
        f"margin {number(finite(row, 'margin'))}",
    ]
    better = signed(metric, finite(row, "better")) + (" of it" if row.get("relative") else "")
    says = f"{name(metric)}: better by {better}, {told[0]}, {told[1]}"
    drawn = strip(own, scaled[0], (scaled[1], scaled[2]), outcome=outcome, says=says)
    return (
        name(metric),
        el("span", badge(outcome), el("small", _sureness(row)), class_="stack"),
        measure(metric, finite(row, "candidate")),
        measure(metric, finite(row, "champion")),
        above_below(better, "; ".join(t for t in told if t)),
        drawn,
        _flips(row),
    )


def _sureness(row: Row) -> str:
    needed, power = finite(row, "rows_needed"), finite(row, "power_if_equal")
    told = [
        f"needs {number(needed)} rows" if needed else "",
        f"power {power:.0%}" if power is not None else "",
    ]
    return ", ".join(t for t in told if t)


def _flips(row: Row) -> Cell:
    gained, lost = finite(row, "gained"), finite(row, "lost")
    if gained is None or lost is None:
        return "not of right and wrong"
    return f"{number(gained)} gained, {number(lost)} lost"


def _both(given: ReportInput, champion: Champion) -> list[Html]:
    columns = ("Metric", "#This model", "#Champion", "#Difference", "As observed")
    theirs = champion.metrics
    rows = [
        (
            name(m),
            above_below(measure(m, mine), interval(*given.intervals.get(m, (None, None)))),
            above_below(measure(m, theirs[m]), interval(*champion.intervals.get(m, (None, None)))),
            signed(m, mine - theirs[m]),
            reading(m, mine, theirs[m]),
        )
        for m, mine in given.metrics.items()
        if m in theirs and m not in OF_THE_ROWS
    ]
    title = el("h3", "All metrics, with 95 % intervals" if given.intervals else "All metrics")
    return [title, table(columns, rows, class_="wide")]


def _trivial(given: ReportInput) -> list[Html]:
    found = given.evidence("performance", "trivial")
    if not found:
        return []
    rows = [
        (
            name(str(row.get("metric", "?"))),
            str(row.get("what", "")),
            number(finite(row, "baseline")),
            above_below(
                signed(str(row.get("metric")), finite(row, "better")),
                interval(finite(row, "lower"), finite(row, "upper")),
            ),
        )
        for row in found
    ]
    columns = ("Metric", "What needs no model", "#It has", "#This model is better by")
    return [el("h3", "Against what needs no model"), table(columns, rows, class_="wide")]
