"""One self-contained page per model version: may it be released, how good is it, for whom, and made from what."""

from mlplatform.evaluate import report_gates
from mlplatform.evaluate.html import Html, document, el
from mlplatform.evaluate.report_behaviour import behaviour
from mlplatform.evaluate.report_curves import curves
from mlplatform.evaluate.report_fairness import fairness
from mlplatform.evaluate.report_input import ReportInput
from mlplatform.evaluate.report_latency import latency, throughput
from mlplatform.evaluate.report_performance import against_champion, headline
from mlplatform.evaluate.report_provenance import provenance
from mlplatform.evaluate.report_slices import regression, slices
from mlplatform.evaluate.report_style import CSS

# In the order of the page: its name there, and in the list of contents.
CONTENTS = {
    "gates": "Gates",
    "metrics": "Metrics",
    "champion": "Champion",
    "curves": "Curves",
    "slices": "Slices",
    "regression": "Slice by slice",
    "fairness": "Fairness",
    "behaviour": "Behaviour",
    "latency": "Latency",
    "throughput": "Throughput",
    "provenance": "Made from",
}


def render(given: ReportInput) -> str:
    """Return the page as HTML. It fetches nothing, and all text from outside is escaped."""
    sections = {
        "gates": report_gates.gates(given),
        "metrics": headline(given),
        "champion": against_champion(given),
        "curves": curves(given),
        "slices": slices(given),
        "regression": regression(given),
        "fairness": fairness(given),
        "behaviour": behaviour(given),
        "latency": latency(given),
        "throughput": throughput(given),
        "provenance": provenance(given),
    }
    shown = {name: part for name, part in sections.items() if part is not None}
    body = el("main", _header(given), _contents(list(shown)), list(shown.values()))
    return document(f"{given.pipeline}, model {given.model_version}", CSS, body)


def _header(given: ReportInput) -> Html:
    when = given.made_at.strftime("%d %B %Y, %H:%M %Z")
    return el(
        "header",
        el("h1", given.pipeline, " ", el("span", f"model {given.model_version}", class_="soft")),
        el("p", given.description) if given.description else None,
        el("p", f"Made {when}. Artifact ", el("code", given.model_digest[:16]), class_="soft"),
        report_gates.verdict(given),
        report_gates.overrides(given),
    )


def _contents(names: list[str]) -> Html:
    return el(
        "nav", [el("a", CONTENTS[name], href=f"#{name}") for name in names], aria_label="Contents"
    )
