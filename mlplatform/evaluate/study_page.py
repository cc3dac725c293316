"""One self-contained page per study: what was tried, what came of it, and what was chosen."""

from typing import Any

from mlplatform.evaluate import study_charts
from mlplatform.evaluate.html import Html, document, el
from mlplatform.evaluate.report_style import CSS
from mlplatform.evaluate.study_axes import Row, StudyShown

MOST = 500  # Trials in the page's table, the best ones; the lake's table has all.


def render(study: StudyShown) -> str:
    """Return the page as HTML. It fetches nothing, and all text from outside is escaped."""
    pictures = (
        study_charts.history(study),
        study_charts.importance(study),
        study_charts.parallel(study),
    )
    body = (_header(study), *pictures, _best(study), _trials(study))
    return document(f"{study.pipeline}, study", CSS, el("main", body))


def _header(study: StudyShown) -> Html:
    states = [row["state"] for row in study.rows]
    counts = ", ".join(
        f"{states.count(s)} {s}" for s in ("complete", "pruned", "failed") if s in states
    )
    best = next(row for row in study.rows if row["trial"] == study.best_trial)
    says = f"{len(states)} trials: {counts}. Best: trial {study.best_trial}, validation "
    says += f"{study.metric} {study.value(best):.5g}."
    notes = [*study.notes, *([f"stopped: {study.stopped_by}"] if study.stopped_by else [])]
    return el(
        "header",
        el("h1", study.pipeline, " ", el("span", "study", class_="soft")),
        el("p", says),
        [el("p", note, class_="soft") for note in notes],
    )


def _best(study: StudyShown) -> list[Html]:
    settings = [
        (el("dt", name), el("dd", str(value))) for name, value in _flat(dict(study.best)).items()
    ]
    return [el("h2", "The model that was chosen"), el("dl", settings)]


def _trials(study: StudyShown) -> list[Html]:
    metrics = [name for name in study.rows[0] if name.startswith("validation_")]
    columns = ("trial", "state", *study.fields, *metrics, "best_epoch", "epochs_trained", "failure")
    sign = -1 if study.direction == "maximize" else 1
    far = float("inf")
    ranked = sorted(
        study.rows, key=lambda row: sign * v if (v := study.value(row)) is not None else far
    )
    head = el("tr", [el("th", name.removeprefix("validation_")) for name in columns])
    rows = [el("tr", [_cell(row, name) for name in columns]) for row in ranked[:MOST]]
    title = "Trials, the best first" if len(ranked) <= MOST else f"The best {MOST} trials"
    return [el("h2", title), el("table", el("thead", head), el("tbody", rows), class_="wide")]


def _cell(row: Row, name: str) -> Html:
    value = row[name]
    said = f"{value:.5g}" if isinstance(value, float) else "" if value is None else str(value)
    of = "number" if isinstance(value, int | float) else None
    return el("td", said, class_=of, data_label=name)


def _flat(settings: dict[str, Any], above: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in settings.items():
        inner = _flat(value, f"{above}{name}.") if isinstance(value, dict) else None
        found |= inner if inner else {f"{above}{name}": value}
    return found
