"""The model card: the fields of Mitchell et al. (2019), FAT* 220-229, as Google's Model Card Toolkit writes them.

The JSON follows the toolkit's schema v0.0.2. It has no place for gates and provenance: they are in
`model_details.documentation`, in words.
"""

import json
import math
import re
from typing import Any

from mlplatform.evaluate.report_gates import count
from mlplatform.evaluate.report_input import ReportInput, Row, finite, kind_of
from mlplatform.evaluate.report_json import plain
from mlplatform.evaluate.report_words import LESS_IS_BETTER, name, number, said, signed

SCHEMA_VERSION = "0.0.2"
SPDX = re.compile(r"[A-Za-z0-9][A-Za-z0-9.+-]*")  # How SPDX writes an identifier: one word.
ANSWERS = {
    "binary": "the probability that {label} is {positive}",
    "multiclass": "a probability for each of {classes}",
    "regression": "the mean of the label",
    "quantiles": "the quantiles {quantiles} of the label",
}


def card_json(given: ReportInput) -> bytes:
    """Return the model card as UTF-8 JSON."""
    return json.dumps(plain(card(given)), indent=1, ensure_ascii=False, allow_nan=False).encode()


def card(given: ReportInput) -> dict[str, Any]:
    """Return the model card; what nobody has written about is left out."""
    return {
        "schema_version": SCHEMA_VERSION,
        "model_details": _details(given),
        "model_parameters": _parameters(given),
        "quantitative_analysis": {"performance_metrics": _performance(given)},
        "considerations": _considerations(given),
    }


def _details(given: ReportInput) -> dict[str, Any]:
    words = given.card
    found: dict[str, Any] = {
        "name": given.pipeline,
        "overview": given.description,
        "documentation": documentation(given),
        "owners": [{"name": owner, "contact": words.contact} for owner in given.owners],
        "version": {
            "name": given.model_version,
            "date": given.made_at.date().isoformat(),
            "diff": difference(given),
        },
        "references": [{"reference": address} for address in words.references],
    }
    if words.licence:
        kind = "identifier" if SPDX.fullmatch(words.licence) else "custom_text"
        found["licenses"] = [{kind: words.licence}]
    if words.citation:
        found["citations"] = [{"style": "plain", "citation": words.citation}]
    return found


def documentation(given: ReportInput) -> str:
    """Return the verdict, the gates and what the model was made from, in words."""
    verdict = given.overall
    lines = [
        f"Verdict: {said(verdict.outcome)}. {verdict.because}" if verdict else "Not judged yet.",
        *(override_said(row) for row in given.overrides),
        count(given.verdicts) if given.verdicts else "No gate has judged this model.",
        *(f"{what}: {value}." for what, value in given.about.items()),
        *(f"{what}: {value}." for what, value in given.provenance.items()),
    ]
    return "\n".join(lines)


def override_said(row: Row) -> str:
    """Return who let a gate pass, in a sentence."""
    who, why, until = (row.get(n) or "not recorded" for n in ("by", "because", "until"))
    return f"Overridden: gate {row.get('gate', '?')} by {who}, until {until}: {why}"


def difference(given: ReportInput) -> str:
    """Return how the model differs from the champion, in the metrics that were compared."""
    champion = given.champion
    if champion is None:
        return "The first model: there was no champion."
    if champion.unscored:
        return f"The champion {champion.name} could not be scored: {champion.unscored}"
    told = [
        f"{name(m)} {signed(m, value - champion.metrics[m])}"
        for m, value in given.metrics.items()
        if m in champion.metrics and m in LESS_IS_BETTER | {"accuracy", "auc", "macro_auc", "r2"}
    ]
    return f"Against champion {champion.name}: {', '.join(told)}" if told else ""


def _parameters(given: ReportInput) -> dict[str, Any]:
    facts = [f"{name(str(what))}: {fact(value)}" for what, value in given.training.items()]
    return {
        "model_architecture": "; ".join(facts),
        "data": datasets(given),
        "input_format": ", ".join(f"{column}: {kind}" for column, kind in given.columns.items()),
        "output_format": answer(given),
    }


def fact(value: str | float) -> str:
    """Return a fact of the training as text."""
    return number(value) if isinstance(value, int | float) else value


def datasets(given: ReportInput) -> list[dict[str, Any]]:
    """Return what the model was trained and judged on; the columns of groups are sensitive."""
    sensitive = {"sensitive_data": groups(given)}
    version = next((v for t, v in given.provenance.items() if t.endswith("/dataset")), "")
    known = ". ".join(part for part in (version, given.card.data) if part)
    rows = number(given.metrics.get("rows"))
    told = {
        "training": f"All rows but those of the test. {known}",
        "test": f"{rows} rows, held out: {given.split or 'by the pipeline'}. {known}",
    }
    return [
        {"name": f"{given.pipeline}, {part}", "description": words.strip(), "sensitive": sensitive}
        for part, words in told.items()
    ]


def groups(given: ReportInput) -> list[str]:
    """Return the columns by which the model was judged group by group."""
    return list(dict.fromkeys(str(row["group"]) for row in given.slices if kind_of(row) == "group"))


def answer(given: ReportInput) -> str:
    """Return what the model answers, in words."""
    predicts = given.predicts
    kind = "quantiles" if predicts.quantiles else predicts.task
    return ANSWERS[kind].format(
        label="the label",
        positive=given.positive or "class 1",
        classes=", ".join(predicts.classes),
        quantiles=", ".join(f"{share:g}" for share in predicts.quantiles),
    )


def _performance(given: ReportInput) -> list[dict[str, Any]]:
    whole = [
        _metric(metric, value, given.intervals.get(metric))
        for metric, value in given.metrics.items()
        if metric != "rows" and math.isfinite(value)
    ]
    parts = [
        _metric(str(row["metric"]), value, _bounds(row), str(row.get("slice", "?")))
        for row in given.slices
        if (value := finite(row, "observed")) is not None
    ]
    return whole + parts


def _bounds(row: Row) -> tuple[float, float] | None:
    lower, upper = finite(row, "lower"), finite(row, "upper")
    return None if lower is None or upper is None else (lower, upper)


def _metric(
    metric: str, value: float, bounds: tuple[float, float] | None, part: str = ""
) -> dict[str, Any]:
    found: dict[str, Any] = {"type": metric, "value": value}
    if part:
        found["slice"] = part
    if bounds and all(math.isfinite(bound) for bound in bounds):
        found["confidence_interval"] = {"lower_bound": bounds[0], "upper_bound": bounds[1]}
    return found


def _considerations(given: ReportInput) -> dict[str, Any]:
    words = given.card
    limits = [*words.limitations, *(f"Out of scope: {use}" for use in words.out_of_scope)]
    found = {
        "users": words.intended_users,
        "use_cases": words.intended_uses,
        "limitations": limits,
        "tradeoffs": words.tradeoffs,
    }
    described = {what: [{"description": line} for line in lines] for what, lines in found.items()}
    risks = [
        {"name": risk, "mitigation_strategy": done}
        for risk, done in words.ethical_considerations.items()
    ]
    return {**described, "ethical_considerations": risks}
