"""One self-contained page per model version: how good it is, for whom, and what it was made from."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from mlplatform.evaluate import charts
from mlplatform.evaluate.curves import Curves
from mlplatform.evaluate.html import Html, document, el, style
from mlplatform.evaluate.report_style import CSS
from mlplatform.verdict import Outcome, Severity, Verdict

# Nothing may be fetched and no script may run, whatever the page is made to contain.
POLICY = "default-src 'none'; style-src 'unsafe-inline'"
MARK = {Outcome.PASS: "✓", Outcome.FAIL: "✕", Outcome.INCONCLUSIVE: "?"}
HEADLINE = ("auc", "accuracy", "f1", "average_precision", "log_loss", "brier")
LESS_IS_BETTER = frozenset({"log_loss", "brier", "calibration_error"})
NAMES = {
    "auc": "AUC",
    "f1": "F1",
    "average_precision": "Average precision",
    "log_loss": "Log loss",
    "brier": "Brier score",
}
NONE = "n/a"
SMALLEST = 0.0001  # Of what is shown in full; all measures here are as good as nothing below it.


@dataclass(frozen=True, kw_only=True)
class Champion:
    """The model that was live when this one was judged, on the same test rows."""

    name: str
    metrics: Mapping[str, float]


@dataclass(frozen=True, kw_only=True)
class ReportInput:
    """Everything the page shows, as plain values.

    Attributes:
        pipeline: Name of the pipeline.
        model_version: How people call this model, "7" or its digest's beginning.
        model_digest: sha256 of the artifact.
        made_at: When the model was made; needs a time zone.
        metrics: From `metrics.binary`, on the test rows.
        curves: From `curves.curves`, on the same rows.
        overall: The verdict over all gates; `None` while it is not decided.
        verdicts: Of each gate, data gates first.
        slices: Rows of `slices.by_group`, as `to_pylist` gives them.
        champion: What it was compared with; `None` for a first model.
        provenance: What it was made from, in the order to show.
        description: The pipeline's, one or two sentences.
    """

    pipeline: str
    model_version: str
    model_digest: str
    made_at: datetime
    metrics: Mapping[str, float]
    curves: Curves
    overall: Verdict | None = None
    verdicts: Sequence[Verdict] = ()
    slices: Sequence[Mapping[str, Any]] = ()
    champion: Champion | None = None
    provenance: Mapping[str, str] = field(default_factory=dict)
    description: str = ""


def render(given: ReportInput) -> str:
    """Return the page as HTML. It fetches nothing, and all text from outside is escaped."""
    title = f"{given.pipeline}, model {given.model_version}"
    head = el(
        "head",
        el("meta", charset="utf-8"),
        el("meta", http_equiv="Content-Security-Policy", content=POLICY),
        el("meta", name="viewport", content="width=device-width, initial-scale=1"),
        el("title", title),
        style(CSS),
    )
    sections = (
        _header(given),
        _headline(given),
        _charts(given),
        _gates(given.verdicts),
        _champion(given),
        _slices(given.slices),
        _provenance(given),
    )
    return document(head, el("body", el("main", sections)))


def _header(given: ReportInput) -> Html:
    when = given.made_at.strftime("%d %B %Y, %H:%M %Z")
    return el(
        "header",
        el("h1", given.pipeline, " ", el("span", f"model {given.model_version}", class_="soft")),
        el("p", given.description) if given.description else None,
        el("p", f"Made {when}. Artifact ", el("code", given.model_digest[:16]), class_="soft"),
        _overall(given.overall),
    )


def _overall(verdict: Verdict | None) -> Html:
    if verdict is None:
        waiting = el("span", "Not judged yet", class_="outcome")
        says = "No verdict over all gates; this model cannot be released."
        return el("div", waiting, el("p", says), class_="verdict inconclusive")
    return el(
        "div", _outcome(verdict), el("p", verdict.because), class_=f"verdict {verdict.outcome}"
    )


def _outcome(verdict: Verdict) -> Html:
    warns = " (warns)" if verdict.severity is Severity.WARN else ""
    said = f"{MARK[verdict.outcome]} {verdict.outcome.value.capitalize()}{warns}"
    return el("span", said, class_=f"outcome {verdict.outcome}")


def _headline(given: ReportInput) -> list[Html]:
    shown = [name for name in HEADLINE if name in given.metrics]
    rows = given.metrics.get("rows")
    on = f" on {number(rows)} held-out rows" if rows else ""
    tiles = [_tile(name, given) for name in shown]
    return [el("h2", f"Test metrics{on}"), el("div", tiles, class_="tiles")]


def _tile(name: str, given: ReportInput) -> Html:
    before = given.champion.metrics.get(name) if given.champion else None
    beside = el("span", f"champion {number(before)}") if before is not None else None
    return el(
        "div", el("span", _name(name)), el("b", number(given.metrics[name])), beside, class_="tile"
    )


def _charts(given: ReportInput) -> Html | None:
    drawn = given.curves
    pictures = [
        charts.roc(drawn.roc, given.metrics.get("auc", math.nan)) if drawn.roc else None,
        charts.calibration(drawn.calibration) if drawn.calibration else None,
        charts.scores(drawn.negatives, drawn.positives) if drawn.negatives else None,
    ]
    shown = [picture for picture in pictures if picture is not None]
    return el("section", el("h2", "Curves"), el("div", shown, class_="charts")) if shown else None


def _gates(verdicts: Sequence[Verdict]) -> list[Html]:
    if not verdicts:
        return [el("h2", "Gates"), el("p", "No gate has judged this model.")]
    columns = ("Gate", "Outcome", "#Observed", "#Limit", "#Baseline", "Evidence")
    rows = [
        (
            v.gate.replace("_", " "),
            _outcome(v),
            number(v.observed),
            number(v.limit),
            number(v.baseline),
            v.because,
        )
        for v in verdicts
    ]
    return [el("h2", "Gates"), _table(columns, rows, because="Evidence", class_="wide")]


def _champion(given: ReportInput) -> list[Html]:
    if given.champion is None:
        said = "The first model of this pipeline: there was no champion to compare with."
        return [el("h2", "Against the champion"), el("p", said)]
    columns = ("Metric", "#This model", "#Champion", "#Difference", "Reading")
    theirs = given.champion.metrics
    rows = [
        (
            _name(m),
            number(mine),
            number(theirs[m]),
            _signed(mine - theirs[m]),
            _reading(m, mine, theirs[m]),
        )
        for m, mine in given.metrics.items()
        if m in theirs and m not in ("rows", "positive_share")
    ]
    return [el("h2", f"Against the champion, {given.champion.name}"), _table(columns, rows)]


def _reading(metric: str, mine: float, theirs: float) -> str:
    if not math.isfinite(mine - theirs):
        return "not comparable"
    if mine == theirs:
        return "equal"
    return "better" if (mine < theirs) == (metric in LESS_IS_BETTER) else "worse"


def _slices(rows: Sequence[Mapping[str, Any]]) -> list[Html]:
    columns = list(dict.fromkeys(row["group"] for row in rows if row["group"]))
    shown = [_slice_table(name, [r for r in rows if r["group"] == name]) for name in columns]
    return [el("h2", "By group"), *(part for pair in shown for part in pair)] if shown else []


def _slice_table(column: str, rows: Sequence[Mapping[str, Any]]) -> tuple[Html, Html]:
    by_value: dict[str, dict[str, Mapping[str, Any]]] = {}
    for row in rows:
        by_value.setdefault(row["value"], {})[row["metric"]] = row
    head = ("Group", "#Rows", "#Positives", "#Accuracy", "#Selection rate", "#True positive rate")
    body = [
        (
            value,
            number(metrics["accuracy"]["rows"]),
            number(metrics["true_positive_rate"]["rows"]),
            *(_bar(metrics[m]["observed"]) for m in METRICS),
        )
        for value, metrics in by_value.items()
    ]
    return el("h3", column), _table(head, body, class_="wide")


METRICS = ("accuracy", "selection_rate", "true_positive_rate")


def _bar(share: float | None) -> Html:
    width = f"width:{100 * share:.1f}%" if share is not None else "width:0"
    said = f"{share:.3f}" if share is not None else NONE
    return el("span", said, el("span", el("i", style=width), class_="bar"))


def _provenance(given: ReportInput) -> list[Html]:
    facts = {"model artifact": given.model_digest, **given.provenance}
    pairs = [(el("dt", name), el("dd", value)) for name, value in facts.items()]
    return [el("h2", "Made from"), el("dl", pairs)]


def _table(
    columns: Sequence[str],
    rows: Sequence[Sequence[str | Html]],
    because: str = "",
    class_: str | None = None,
) -> Html:
    """Return a table; a column whose name begins with # holds numbers.

    Each cell names its column too: a narrow screen shows that in place of a `wide` table's head.
    """
    kinds = {c: "number" if c[0] == "#" else "because" if c == because else None for c in columns}
    kinds[columns[0]] = "head"
    names = {c: c.lstrip("#") for c in columns}
    head = el("tr", [el("th", names[c], class_=kinds[c], scope="col") for c in columns])
    body = [
        el(
            "tr",
            [
                el("td", cell, class_=kinds[c], data_label=names[c])
                for c, cell in zip(columns, row, strict=True)
            ],
        )
        for row in rows
    ]
    return el("table", el("thead", head), el("tbody", body), class_=class_)


def number(value: float | None) -> str:
    """Return a number as people read it: four significant digits, thousands set apart."""
    if value is None or not math.isfinite(value):
        return NONE
    if 0 < abs(value) < SMALLEST:
        return f"under {SMALLEST}"
    if value == int(value):
        return f"{int(value):,}"
    return f"{value:.4g}" if abs(value) < 1000 else f"{value:,.0f}"


def _signed(value: float) -> str:
    return f"{value:+.4f}" if math.isfinite(value) else NONE


def _name(metric: str) -> str:
    return NAMES.get(metric, metric.replace("_", " ").capitalize())
