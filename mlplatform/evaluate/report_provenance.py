"""What the model was made from, what is wrong with that, and what it takes to make it again."""

from collections.abc import Mapping
from typing import Any

from mlplatform.evaluate.card import fact
from mlplatform.evaluate.html import Html, el
from mlplatform.evaluate.report_input import ReportInput
from mlplatform.evaluate.report_tables import note, section
from mlplatform.evaluate.report_words import name

AGAIN = {"commit": "commit", "lock": "libraries, sha256", "seed": "seed", "bits": "equal bits"}


def provenance(given: ReportInput) -> Html:
    """Return tables, code, training and seed, and what the gates on them found missing."""
    facts = {
        **given.about,
        **given.provenance,
        **{name(str(what)).lower(): fact(value) for what, value in given.training.items()},
        **_again(_evidence(given, "reproducibility")),
    }
    pairs = [(el("dt", what), el("dd", value)) for what, value in facts.items()]
    return section("Made from", _wrong(given), el("dl", pairs, class_="facts"), at="provenance")


def _evidence(given: ReportInput, gate: str) -> Mapping[str, Any]:
    verdict = given.verdict(gate)
    return verdict.evidence if verdict else {}


def _again(seen: Mapping[str, Any]) -> dict[str, str]:
    found = {
        words: str(seen[key]) for key, words in AGAIN.items() if seen.get(key) not in (None, "")
    }
    if isinstance(seen.get("dirty"), bool):
        found["working tree"] = "had other changes" if seen["dirty"] else "had no other changes"
    return found


def _wrong(given: ReportInput) -> list[Html]:
    """Return what data integrity names, a line each."""
    seen = _evidence(given, "data_integrity")
    forbidden = seen.get("forbidden")
    told = {
        "Not on record": _lines(seen.get("missing")),
        "Gates on data that did not pass": _lines(seen.get("refused")),
        "Columns that must not be read": [f"{c}: {why}" for c, why in forbidden.items()]
        if isinstance(forbidden, Mapping)
        else [],
    }
    return [note(f"✕ {what}: {'; '.join(lines)}.") for what, lines in told.items() if lines]


def _lines(value: object) -> list[str]:
    return [str(each) for each in value] if isinstance(value, list | tuple) else []
