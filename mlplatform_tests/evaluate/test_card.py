"""The model card, held to the structure of the Model Card Toolkit's schema v0.0.2."""

import json
from dataclasses import replace

import jsonschema
import pytest

from mlplatform.evaluate.card import card, card_json
from mlplatform.evaluate.card_markdown import UNSAID, card_markdown
from mlplatform.spec.card import Card
from mlplatform_tests.evaluate.test_report import HOSTILE, TASKS, cached, small

TEXT = {"type": "string"}


def several(**properties):
    """Return the schema of a list of objects with these fields and, unlike the toolkit's, no others."""
    return {
        "type": "array",
        "items": {"type": "object", "properties": properties, "additionalProperties": False},
    }


def record(**properties):
    """Return the schema of an object with these fields and no others."""
    return {"type": "object", "properties": properties, "additionalProperties": False}


DATE = {"type": "string", "pattern": r"^\d{4}-\d\d-\d\d$"}
SENSITIVE = record(sensitive_data={"type": "array", "items": TEXT})
LICENCE = {"oneOf": [{"required": ["identifier"]}, {"required": ["custom_text"]}]}
NUMBER = {"type": "number"}
METRIC = {
    "type": TEXT, "value": NUMBER, "slice": TEXT,
    "confidence_interval": record(lower_bound=NUMBER, upper_bound=NUMBER),  # Of its protocol buffer.
}  # fmt: skip
SCHEMA = record(
    schema_version=TEXT,
    model_details=record(
        name=TEXT, overview=TEXT, documentation=TEXT, owners=several(name=TEXT, contact=TEXT),
        version=record(name=TEXT, date=DATE, diff=TEXT), licenses={"type": "array", "items": LICENCE},
        references=several(reference=TEXT), citations=several(style=TEXT, citation=TEXT),
    ),
    model_parameters=record(
        model_architecture=TEXT, input_format=TEXT, output_format=TEXT,
        data=several(name=TEXT, description=TEXT, link=TEXT, sensitive=SENSITIVE),
    ),
    quantitative_analysis=record(performance_metrics=several(**METRIC)),
    considerations=record(
        users=several(description=TEXT), use_cases=several(description=TEXT), limitations=several(description=TEXT),
        tradeoffs=several(description=TEXT), ethical_considerations=several(name=TEXT, mitigation_strategy=TEXT),
    ),
)  # fmt: skip


@pytest.mark.parametrize("task", TASKS)
def test_the_card_has_the_toolkits_structure(task):
    jsonschema.validate(json.loads(card_json(cached(task))), SCHEMA)


def test_a_model_of_which_nothing_is_known_has_a_card():
    jsonschema.validate(json.loads(card_json(small())), SCHEMA)
    assert card_markdown(small()).count(UNSAID) == 3


def test_the_card_has_every_number_with_its_interval_and_its_slice():
    metrics = card(cached("binary"))["quantitative_analysis"]["performance_metrics"]
    of = {(each["type"], each.get("slice")): each for each in metrics}
    whole = cached("binary").intervals["accuracy"]
    assert of["accuracy", None]["confidence_interval"] == {
        "lower_bound": whole[0],
        "upper_bound": whole[1],
    }
    assert {"sex=Female", "sex=Male & race=White"} <= {name for _, name in of}


def test_the_card_says_what_people_wrote_and_what_the_model_was_not_made_for():
    said = card(cached("binary"))
    limits = [each["description"] for each in said["considerations"]["limitations"]]
    assert "Out of scope: Decisions about a person's pay, credit or housing." in limits
    assert said["model_details"]["licenses"] == [{"identifier": "CC-BY-4.0"}]
    assert said["model_parameters"]["data"][1]["sensitive"] == {"sensitive_data": ["sex", "race"]}
    assert "Overridden: gate latency by Ana Silva" in said["model_details"]["documentation"]


def test_a_licence_in_words_is_no_identifier():
    own = card(small(card=Card(licence="For members of the consortium only")))
    assert own["model_details"]["licenses"] == [
        {"custom_text": "For members of the consortium only"}
    ]


HEADINGS = (
    *("Model details", "Intended use", "Factors", "Metrics", "Evaluation and training data"),
    *("Quantitative analyses", "Ethical considerations", "Caveats and recommendations"),
)


@pytest.mark.parametrize("task", TASKS)
def test_the_card_for_people_has_the_papers_headings(task):
    said = card_markdown(cached(task))
    assert [h for h in HEADINGS if f"\n## {h}\n" not in said] == []
    assert "Intersectional results" in said


def test_what_people_wrote_is_text_in_the_card():
    words = Card(
        intended_uses=[HOSTILE],
        ethical_considerations={HOSTILE: HOSTILE},
        references=["javascript:x", HOSTILE],
    )
    said = card_markdown(
        replace(cached("binary"), card=words, pipeline=HOSTILE, description=HOSTILE)
    )
    assert "<script" not in said
    assert "<img" not in said
    assert "<javascript" not in said
