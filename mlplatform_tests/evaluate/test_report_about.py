"""What every file of a report says of what it is about, and what a release makes of a verdict."""

from dataclasses import replace

import pytest

from mlplatform.evaluate.card import card_json
from mlplatform.evaluate.card_markdown import card_markdown
from mlplatform.evaluate.report import render
from mlplatform.evaluate.report_gates import gates
from mlplatform.evaluate.report_input import Champion
from mlplatform.evaluate.report_json import report_json
from mlplatform.evaluate.report_markdown import report_markdown
from mlplatform.evaluate.report_slices import slices
from mlplatform.gates.latency import latency
from mlplatform.model_measures import LatencySeen, TimedSeen
from mlplatform.spec.serving_gates import LatencyGate
from mlplatform.verdict import Inconclusive, Outcome, Verdict
from mlplatform_tests.evaluate.test_report import cached

FILES = {
    "page": render, "markdown": report_markdown, "json": lambda g: report_json(g).decode(),
    "card": card_markdown, "card's json": lambda g: card_json(g).decode(),
}  # fmt: skip
DIGESTS = {"model_digest": "a1" * 32, "policy": "b2" * 32, "evaluation": "census/evaluation 3:c3c3"}


@pytest.fixture
def given():
    champion = Champion(name="d4d4", digest="d4" * 32, metrics={})
    return replace(cached("binary"), champion=champion, **DIGESTS)


@pytest.mark.parametrize("file", FILES)
def test_every_file_names_model_champion_policy_and_evaluation(given, file):
    said = FILES[file](given)
    for wanted in (*DIGESTS.values(), "d4" * 32):
        assert wanted in said


@pytest.mark.parametrize("file", ["markdown", "card"])
def test_nobody_is_called_by_a_report(given, file):
    verdict = Verdict(gate="@gate", outcome=Outcome.FAIL, because="ask @octocat or @acme/team")
    row = {"gate": "@gate", "outcome": "fail", "by": "@ada", "because": "@bob said", "until": "@x"}
    all_of_it = replace(verdict, gate="overall", evidence={"overrides": [row]})
    slices_ = [{**each, "slice": "who=@eve"} for each in given.slices]
    named = replace(
        given, pipeline="@census", overall=all_of_it, verdicts=[verdict], slices=slices_,
        owners=["@owner"], description="by @dora", provenance={"code": "@v1"}, model_version="@7",
    )  # fmt: skip
    said = FILES[file](named)
    assert "@\u200b" in said
    assert not [c for c in said.split("@")[1:] if c[:1].isalnum()]


def timed(path: str, p99: float) -> TimedSeen:
    return TimedSeen(
        path=path, samples=1000, p50=1.0, p99=p99, p99_lower=p99 - 1, p99_upper=p99 + 1,
        edges=(0.0, 1.0), counts=(1000,),
    )  # fmt: skip


def test_latency_shows_both_paths_each_against_its_limit(given):
    seen = LatencySeen(
        champion=None, host="a host", timed=(timed("program", 7.5), timed("server", 80.5))
    )
    verdict = latency(seen, LatencyGate(max_p99_ms=50, max_served_p99_ms=100))
    page = gates(replace(given, verdicts=[verdict]))
    for words in ("program 7.5", "server 80.5", "program 50", "server 100"):
        assert words in page
    assert "program 7.5, server 80.5 | program 50, server 100" in report_markdown(
        replace(given, verdicts=[verdict])
    )
    assert "limit 100 ms" in render(replace(given, verdicts=[verdict])).partition('id="latency"')[2]


def test_what_its_policy_lets_through_is_not_said_to_block(given):
    verdict = Verdict(
        gate="latency", outcome=Outcome.INCONCLUSIVE, inconclusive=Inconclusive.WARN, because="x"
    )
    for said in (gates, report_markdown):
        told = said(replace(given, verdicts=[verdict]))
        assert "let through by policy" in told
        assert "block" not in told
        assert "block" in said(
            replace(given, verdicts=[replace(verdict, inconclusive=Inconclusive.HOLD)])
        )


def test_a_slice_that_was_found_is_told_apart_from_the_group_of_its_name(given):
    one = {"slice": "race=White", "metric": "accuracy", "observed": 0.7, "lower": 0.6, "upper": 0.8}
    rows = [{**one, "kind": "group", "group": "race", "value": "White", "rows": 13_946.0},
            {**one, "kind": "weak", "group": "weak", "value": "race=White", "rows": 7_037.0}]  # fmt: skip
    named = replace(given, slices=rows)
    for said in (str(slices(named)), report_markdown(named), card_markdown(named)):
        assert said.count("found on one half of the rows, measured on the other") == 1
