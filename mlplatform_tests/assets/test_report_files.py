"""The report of a real walk: every file of it, from what the lake holds."""

import json

import pytest

from assets.report import collected, pictures
from mlplatform.evaluate.inline_svg import INLINE
from mlplatform.gates import record

pytestmark = pytest.mark.slow
FILES = {"report.html", "report.md", "report.json", "model_card.md", "model_card.json"}


@pytest.fixture(scope="module")
def verdict(walked):
    """The newest version of the verdict."""
    return walked.lake.table(walked.pipeline.table("gate_verdict")).latest()


def test_a_verdict_comes_with_its_report_in_every_form(walked, verdict):
    report = walked.lake.artifacts.open(verdict.lineage.facts["report"])
    made = {name: report.read(name).decode() for name in FILES}
    digest = verdict.lineage.facts["candidate"]
    for name in FILES:
        assert digest in made[name], name
    said = json.loads(made["report.json"])
    assert said["model"]["digest"] == digest
    assert {gate["gate"] for gate in said["gates"]} >= {"row_count", "latency", "artifact_size"}
    assert "ROC curve" in made["report.html"]
    card = json.loads(made["model_card.json"])
    assert card["model_parameters"]["model_architecture"].startswith("Family: ")
    assert "age: int64" in card["model_parameters"]["input_format"]


def test_what_is_collected_is_about_the_candidate_and_what_it_was_made_from(walked, verdict):
    evaluation = walked.lake.table(walked.pipeline.table("evaluation")).latest()
    overall = record.to_verdicts(walked.lake.table(verdict.table).read(verdict))[-1]
    given = collected(walked.lake, walked.pipeline, evaluation, overall)
    assert given.champion is None
    assert (
        given.intervals["accuracy"][0]
        <= given.metrics["accuracy"]
        <= given.intervals["accuracy"][1]
    )
    assert {row["group"] for row in given.slices} >= {"sex", "race"}
    assert any("census_income/dataset" in what for what in given.provenance)
    assert "income" not in given.columns
    told = pictures(walked.lake, walked.pipeline, evaluation, overall)
    assert {"roc", "calibration", "gates", "report"} <= set(told)
    assert len(told["roc"].value) < INLINE
