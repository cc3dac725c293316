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
from mlplatform.evaluate.report_tables import by_group, confusion, table
from mlplatform.evaluate.report_words import OF_THE_ROWS, measure, name, number, reading, signed
from mlplatform.features.predicts import Predicts
from mlplatform.verdict import Outcome, Severity, Verdict

# Nothing may be fetched and no script may run, whatever the page is made to contain.
POLICY = "default-src 'none'; style-src 'unsafe-inline'"
MARK = {Outcome.PASS: "✓", Outcome.FAIL: "✕", Outcome.INCONCLUSIVE: "?"}
HEADLINE = (
    *("auc", "accuracy", "f1", "average_precision", "log_loss", "brier", "macro_f1", "macro_auc"),
    *("pinball", "coverage", "interval_width", "rmse", "mae", "r2", "bias"),
)


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
        metrics: From `tasks.measured`, on the test rows.
        curves: From `curves.curves_of`, on the same rows.
        overall: The verdict over all gates; `None` while it is not decided.
        verdicts: Of each gate, data gates first.
        slices: Rows of `slices.by_group`, as `to_pylist` gives them.
        champion: What it was compared with; `None` for a first model.
        provenance: What it was made from, in the order to show.
        description: The pipeline's, one or two sentences.
        predicts: What the model predicts.
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
    predicts: Predicts = field(default_factory=Predicts)


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
        confusion(given.curves.confusion, given.predicts.classes),
        _gates(given.verdicts),
        _champion(given),
        by_group(given.slices),
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
    shown = [metric for metric in HEADLINE if metric in given.metrics]
    rows = given.metrics.get("rows")
    on = f" on {number(rows)} held-out rows" if rows else ""
    tiles = [_tile(metric, given) for metric in shown]
    return [el("h2", f"Test metrics{on}"), el("div", tiles, class_="tiles")]


def _tile(metric: str, given: ReportInput) -> Html:
    before = given.champion.metrics.get(metric) if given.champion else None
    beside = el("span", f"champion {measure(metric, before)}") if before is not None else None
    mine = el("b", measure(metric, given.metrics[metric]))
    return el("div", el("span", name(metric)), mine, beside, class_="tile")


def _charts(given: ReportInput) -> Html | None:
    drawn = given.curves
    pictures = [
        charts.roc(drawn.roc, given.metrics.get("auc", math.nan)) if drawn.roc else None,
        charts.calibration(drawn.calibration, given.predicts.task) if drawn.calibration else None,
        charts.scores(drawn.negatives, drawn.positives) if drawn.negatives else None,
        charts.numbers(drawn.numbers) if drawn.numbers else None,
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
    return [el("h2", "Gates"), table(columns, rows, because="Evidence", class_="wide")]


def _champion(given: ReportInput) -> list[Html]:
    if given.champion is None:
        said = "The first model of this pipeline: there was no champion to compare with."
        return [el("h2", "Against the champion"), el("p", said)]
    columns = ("Metric", "#This model", "#Champion", "#Difference", "Reading")
    theirs = given.champion.metrics
    rows = [
        (
            name(m),
            measure(m, mine),
            measure(m, theirs[m]),
            signed(m, mine - theirs[m]),
            reading(m, mine, theirs[m]),
        )
        for m, mine in given.metrics.items()
        if m in theirs and m not in OF_THE_ROWS
    ]
    return [el("h2", f"Against the champion, {given.champion.name}"), table(columns, rows)]


def _provenance(given: ReportInput) -> list[Html]:
    facts = {"model artifact": given.model_digest, **given.provenance}
    pairs = [(el("dt", what), el("dd", value)) for what, value in facts.items()]
    return [el("h2", "Made from"), el("dl", pairs)]
