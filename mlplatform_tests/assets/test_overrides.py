"""A person lets a walk go on that a gate stopped: shown, kept with the model, and only until it expires."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import dagster as dg
import pyarrow as pa
import pytest
from markdown_it import MarkdownIt

from assets.gates import overridden
from mlplatform.cli.gate import _login
from mlplatform.registry.record import records
from mlplatform.verdict import Outcome
from mlplatform_tests.assets.conftest import Walk, failed_steps
from mlplatform_tests.assets.test_refusals import reasons, rewrite

ANN = f"ann (login {_login()})"
WHY = ("--because", "the label was late", "--expires", "7d", "--by", "ann")


def checks(result: dg.ExecuteInProcessResult) -> dict[str, dg.AssetCheckEvaluation]:
    """Return the result of every check of a run by its name."""
    return {e.check_name: e for e in result.get_asset_check_evaluations()}


def test_a_reason_formats_nothing_in_the_ui():
    entry = dict.fromkeys(("gate", "outcome", "by", "until"), "x")
    told = overridden([{**entry, "because": "![t](http://evil/t.png) <img src=x> **x** `y`"}])
    shown = MarkdownIt("commonmark").enable("table").render(told.value)
    assert "<img" not in shown
    assert "<a " not in shown
    assert shown.count("<strong>") == 1
    assert "<code>" not in shown


def expired(rows: pa.Table) -> pa.Table:
    """Return overrides whose time was over an hour ago."""
    past = pa.array([datetime.now(UTC) - timedelta(hours=1)] * rows.num_rows, rows["until"].type)
    at = rows.schema.get_field_index("until")
    return rows.set_column(at, rows.schema.field("until"), past)


def test_a_stopped_model_goes_live_in_red_and_not_for_ever(walked_to: Callable[..., Walk]):
    walk = walked_to("evaluation", model_gates__artifact_size__max_megabytes=0.001)
    assert failed_steps(walk.run()) == {"census_income_evaluation_gates"}
    said = walk.command("gate", "override", "census_income", "artifact_size", *WHY)
    assert said.exit_code == 0, said.output
    assert "NOTE" not in said.output

    result = walk.run()
    assert result.success, failed_steps(result)
    check = checks(result)["artifact_size"]
    assert (check.passed, check.severity) == (False, dg.AssetCheckSeverity.WARN)
    assert check.description is not None
    assert check.description.startswith(f"overridden by {ANN} until")
    verdict = walk.said("gate_verdict")["overall"]
    assert verdict.passed
    assert f"1 overridden; artifact_size fail, overridden by {ANN} until" in verdict.because
    [entry] = verdict.evidence["overrides"]
    assert (entry["gate"], entry["by"]) == ("artifact_size", ANN)
    [registered] = records(walk.lake.table("census_income/registered_model"))
    assert [dict(o) for o in registered.overrides] == [entry]
    [deployed] = result.asset_materializations_for_node("census_income__deployment")
    assert "overridden by ann" in str(deployed.metadata["champion_overrides"].value)
    assert "(in force): the label was late" in walk.command("status").output

    rewrite(walk, "gate_overrides", expired)
    assert "(withdrawn)" not in walk.command("status").output
    for noun in ("registered_model", "deployment"):
        assert "artifact_size fail" in reasons(walk.run(noun))
    assert failed_steps(walk.run("gate_verdict")) == {"census_income_gate_verdict_gates"}


def test_data_that_was_refused_is_split_while_an_override_holds(walked_to: Callable[..., Walk]):
    walk = walked_to("dataset", data_gates__row_count__minimum=100_000)
    assert failed_steps(walk.run("source", "dataset")) == {"census_income_dataset_gates"}
    assert "row_count" in reasons(walk.run("split"))
    said = walk.command("gate", "override", "census_income", "row_count", *WHY)
    assert said.exit_code == 0, said.output
    assert walk.run("dataset", "split").success
    walk.command("gate", "withdraw", "census_income", "row_count")
    assert "row_count fail" in reasons(walk.run("split"))


@pytest.fixture
def undecided(monkeypatch: pytest.MonkeyPatch) -> None:
    """Too little evidence for one gate of the evaluation, however much there is."""
    from assets import judges

    original = judges.evaluation

    def judge(bench):
        subject, verdicts = original(bench)
        unsure = {"outcome": Outcome.INCONCLUSIVE, "because": "3 rows of 900"}
        return subject, [replace(v, **unsure) if v.gate == "latency" else v for v in verdicts]

    monkeypatch.setattr(judges, "evaluation", judge)


@pytest.mark.usefixtures("undecided")
def test_what_lacks_evidence_is_held_until_a_person_lets_it_through(walked_to: Callable[..., Walk]):
    walk = walked_to("evaluation", model_gates__latency__inconclusive="person")
    assert failed_steps(walk.run()) == {"census_income_evaluation_gates"}
    walk.run("gate_verdict")
    said = walk.said("gate_verdict")["overall"]
    assert said.outcome is Outcome.INCONCLUSIVE
    assert "a person decides: mlplatform gate override census_income latency" in said.because
    assert not walk.run("registered_model").success
    assert walk.command("gate", "override", "census_income", "latency", *WHY).exit_code == 0
    result = walk.run("evaluation", "gate_verdict", "registered_model")
    assert result.success, failed_steps(result)
    assert "latency inconclusive, overridden by ann" in walk.said("gate_verdict")["overall"].because


@pytest.mark.usefixtures("undecided")
def test_a_policy_may_let_too_little_evidence_through_with_a_warning(
    walked_to: Callable[..., Walk],
):
    walk = walked_to("evaluation", model_gates__latency__inconclusive="warn")
    result = walk.run()
    assert result.success, failed_steps(result)
    check = checks(result)["latency"]
    assert (check.passed, check.severity) == (False, dg.AssetCheckSeverity.WARN)
    said = walk.said("gate_verdict")["overall"].because
    assert "1 inconclusive and let through by policy" in said
    told = "latency inconclusive, which its policy lets through: 3 rows of 900"
    assert told in said
    assert f"UNDECIDED  {told}" in walk.command("status").output


def test_the_gates_of_the_environment_are_the_ones_asked(
    walked_to: Callable[..., Walk], monkeypatch: pytest.MonkeyPatch
):
    """The definitions a code location loads, and the commands, know one environment each."""
    limits = {"production": {"model_gates": {"artifact_size": {"max_megabytes": 0.001}}}}
    walk = walked_to("dataset", environments=limits)
    before = walk.pipeline.spec.model_gates.artifact_size.max_megabytes
    assert loaded(walk, monkeypatch, "") == before
    assert loaded(walk, monkeypatch, "production") == 0.001


def loaded(walk: Walk, monkeypatch: pytest.MonkeyPatch, environment: str) -> float:
    """Return a limit as the component that Dagster loads has it."""
    from definitions import _components

    monkeypatch.setenv("MLPLATFORM_ENVIRONMENT", environment)
    [component] = _components(walk.settings.pipelines)
    return component.pipeline.spec.model_gates.artifact_size.max_megabytes
