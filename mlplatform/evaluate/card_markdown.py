"""The model card for people, under the headings of Mitchell et al. (2019), figure 1."""

import re
from collections.abc import Iterable

from mlplatform.evaluate import card
from mlplatform.evaluate.markdown import bullets, escaped, table
from mlplatform.evaluate.report_input import ReportInput, finite, kind_of
from mlplatform.evaluate.report_markdown import gates, metrics
from mlplatform.evaluate.report_slices import ranked
from mlplatform.evaluate.report_words import interval, measure, name, number, said, slice_name

UNSAID = "Nobody has written about this; the pipeline's `card:` is the place."
LINK = re.compile(r"https?://[^\s<>]+")
MOST = 12  # Slices of each kind, the weakest.


def card_markdown(given: ReportInput) -> str:
    """Return the model card as Markdown."""
    words = given.card
    title = f"# Model card: {escaped(given.pipeline)}, model {escaped(given.model_version)}"
    parts = {
        "Model details": _details(given),
        "Intended use": _named(
            ("Uses", words.intended_uses),
            ("Users", words.intended_users),
            ("Out of scope", words.out_of_scope),
        ),
        "Factors": _factors(given),
        "Metrics": f"{_chosen(given)}\n\n{metrics(given)}",
        "Evaluation and training data": _data(given),
        "Quantitative analyses": _analyses(given),
        "Gates": gates(given) or "No gate has judged this model.",
        "Ethical considerations": _ethics(given),
        "Caveats and recommendations": _named(
            ("Limits", words.limitations), ("Trade-offs", words.tradeoffs)
        ),
    }
    sections = "\n\n".join(f"## {head}\n\n{body}" for head, body in parts.items())
    return f"{title}\n\n{escaped(given.description)}\n\n{sections}\n"


def _named(*lists: tuple[str, Iterable[str]]) -> str:
    told = [f"**{head}**\n\n{bullets(items)}" for head, items in lists if items]
    return "\n\n".join(told) or UNSAID


def _details(given: ReportInput) -> str:
    words, verdict = given.card, given.overall
    facts = {
        "Owners": ", ".join(given.owners),
        "Version": f"{given.model_version}, {given.made_at.date().isoformat()}",
        "Changes": card.difference(given),
        "Answers with": card.answer(given),
        **{name(k): card.fact(v) for k, v in given.training.items()},
        "Licence": words.licence,
        "Citation": words.citation,
        "Contact": words.contact,
        **{what.capitalize(): value for what, value in given.about.items()},
        "Verdict": f"{said(verdict.outcome)}: {verdict.because}" if verdict else "Not judged yet",
        **given.provenance,
    }
    lines = [f"- **{escaped(what)}:** {escaped(value)}" for what, value in facts.items() if value]
    lines += [f"- **Reference:** {_link(address)}" for address in words.references]
    flags = [f"> **⚑ {escaped(card.override_said(row))}**" for row in given.overrides]
    return "\n\n".join(["\n".join(lines), *flags])


def _link(address: str) -> str:
    return f"<{address}>" if LINK.fullmatch(address) else escaped(address)


def _factors(given: ReportInput) -> str:
    columns = card.groups(given)
    if not columns:
        return "No groups are declared."
    found = sum(
        1 for row in given.slices if kind_of(row) == "weak" and row["metric"] == _first(given)
    )
    more = f" Weak slices that were found besides: {number(found)}." if found else ""
    return f"Judged by {escaped(', '.join(columns))}, and by each two of them together.{more}"


def _first(given: ReportInput) -> str:
    return ranked(given)[0]


def _chosen(given: ReportInput) -> str:
    at = (
        " Class 1 is answered from a probability of 0.5 on."
        if given.predicts.task == "binary"
        else ""
    )
    return (
        f"On {number(given.metrics.get('rows'))} held-out rows, with two-sided 95 % intervals.{at}"
    )


def _data(given: ReportInput) -> str:
    return bullets(f"{each['name']}: {each['description']}" for each in card.datasets(given))


def _analyses(given: ReportInput) -> str:
    metric, rows = ranked(given)
    kinds = {
        "group": "Unitary results",
        "intersection": "Intersectional results",
        "weak": "Weak slices",
    }
    parts = []
    for kind, title in kinds.items():
        told = [
            (
                slice_name(row),
                number(finite(row, "rows")),
                measure(metric, finite(row, "observed")),
                interval(finite(row, "lower"), finite(row, "upper")),
            )
            for row in rows
            if kind_of(row) == kind
        ]
        if told:
            head = ("Slice", "#Rows", f"#{name(metric)}", "95 % interval")
            parts.append(f"### {title}, the weakest first\n\n{table(head, told[:MOST])}")
    return "\n\n".join(parts) or "No part of the test rows was looked at by itself."


def _ethics(given: ReportInput) -> str:
    risks = given.card.ethical_considerations
    return bullets(f"{risk}: {done}" for risk, done in risks.items()) if risks else UNSAID
