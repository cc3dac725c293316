"""One gate that fails is one alert: the verdict over all gates says it again to nobody who knows."""

from dataclasses import replace
from pathlib import Path

import pytest

from mlplatform.alerts import failures
from mlplatform.alerts.notify import Alerts
from mlplatform.alerts.where import Where
from mlplatform.registry.gate_log import Subject
from mlplatform.verdict import Inconclusive, Outcome, Severity, Verdict

MODEL = "m" * 64
LATENCY = Verdict(gate="latency", outcome=Outcome.FAIL, because="too slow")
OF_GATE = Subject(
    table="loans/evaluation", digest="e" * 64, policy_hash="p" * 64, model_digest=MODEL
)
OF_ALL = replace(OF_GATE, table="loans/gate_verdict", digest="v" * 64)


def over(*gates: str) -> Verdict:
    named = {gate: {"outcome": "fail", "because": "x"} for gate in gates}
    evidence = {"gates": {**named, "budget": {"outcome": "pass", "because": "y"}}}
    return Verdict(gate="overall", outcome=Outcome.FAIL, because="x", evidence=evidence)


def told(
    log: Path, verdict: Verdict, *, gate: Verdict = LATENCY, subject: Subject = OF_GATE
) -> bool:
    alerts = Alerts([], log)
    alerts.keep(failures.of_verdict(gate, "loans", subject, "run", Where()))
    return failures.told_already(verdict, "loans", OF_ALL, alerts.kept())


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "alerts.jsonl"


def test_a_gate_that_was_alerted_about_is_not_told_again(log: Path):
    assert told(log, over("latency", "fairness"))


def test_of_data_there_is_no_model_to_name(log: Path):
    data = replace(OF_GATE, table="loans/dataset", model_digest="")
    assert told(log, over("row_count"), gate=replace(LATENCY, gate="row_count"), subject=data)


@pytest.mark.parametrize(
    "changes",
    [{"model_digest": "n" * 64}, {"policy_hash": "q" * 64}, {"table": "other/evaluation"}],
)
def test_an_alert_about_something_else_is_none(log: Path, changes: dict[str, str]):
    assert not told(log, over("latency"), subject=replace(OF_GATE, **changes))


def test_other_gates_and_other_verdicts_are_told(log: Path):
    assert not told(log, over("fairness"))
    assert not told(log, over())
    assert not told(log, LATENCY)


def test_a_gate_that_stops_nothing_does_not_silence_the_verdict(log: Path):
    weak = replace(LATENCY, outcome=Outcome.INCONCLUSIVE, inconclusive=Inconclusive.WARN)
    assert not told(log, over("latency", "fairness"), gate=weak)


def test_a_failure_that_was_mended_is_told_when_it_is_back(log: Path):
    assert told(log, over("latency"))
    Alerts([], log).mend([failures.about("loans/evaluation", "latency")])
    assert not failures.told_already(over("latency"), "loans", OF_ALL, Alerts([], log).kept())


@pytest.mark.parametrize(
    ("changes", "does"),
    [
        ({}, "blocks"),
        ({"severity": Severity.WARN}, "warns"),
        ({"outcome": Outcome.INCONCLUSIVE}, "blocks"),
        (
            {"outcome": Outcome.INCONCLUSIVE, "inconclusive": Inconclusive.WARN},
            "let through by policy",
        ),
    ],
)
def test_an_alert_says_what_the_verdict_does(changes: dict[str, object], does: str):
    verdict = replace(LATENCY, **changes)  # type: ignore[arg-type]
    alert = failures.of_verdict(verdict, "loans", OF_GATE, "run", Where())
    assert alert.evidence[0] == f"gate: latency ({does})"
    assert ("goes on" in alert.title) is (does != "blocks")
