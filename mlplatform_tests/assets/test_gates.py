"""A gate that fails stops the walk, tells somebody, and is asked again by whoever would ship the model."""

import json
from collections.abc import Callable

import dagster as dg
import pytest

from mlplatform.verdict import Outcome
from mlplatform_tests.assets.conftest import Walk, failed_steps, materialised


@pytest.fixture(scope="module")
def refused(walked_to: Callable[..., Walk]) -> tuple[Walk, dg.ExecuteInProcessResult]:
    """A walk with an accuracy floor nobody reaches, and its result."""
    walk = walked_to("evaluation", model_gates__performance__metrics__accuracy__minimum=0.999)
    return walk, walk.run()


def test_a_failed_gate_stops_the_walk(refused: tuple[Walk, dg.ExecuteInProcessResult]):
    walk, result = refused
    assert not result.success
    assert failed_steps(result) == {"census_income_evaluation_gates"}
    assert materialised(result)[-1] == "evaluation"
    for noun in ("gate_verdict", "registered_model", "deployment"):
        assert not walk.lake.table(f"census_income/{noun}").exists()


def test_the_failure_is_a_row_and_an_alert(refused: tuple[Walk, dg.ExecuteInProcessResult]):
    walk, _ = refused
    said = walk.said("evaluation")["performance"]
    assert (said.outcome, said.limit) == (Outcome.FAIL, 0.999)
    lines = [json.loads(line) for line in walk.settings.alert_log.read_text().splitlines()]
    assert any("performance" in json.dumps(line) for line in lines)


def test_a_refused_model_stays_out_in_a_later_run_on_an_empty_dagster(
    refused: tuple[Walk, dg.ExecuteInProcessResult],
):
    """The blocking check belongs to the first run; the verdict in the lake belongs to the model."""
    walk, _ = refused
    later = walk.run("gate_verdict")
    assert not later.success
    assert failed_steps(later) == {"census_income_gate_verdict_gates"}
    alone = walk.run("registered_model")
    assert failed_steps(alone) == {"census_income__registered_model"}
    assert not walk.lake.table("census_income/registered_model").exists()
    unregistered = walk.run("deployment")
    assert not unregistered.success
    assert not walk.lake.table("census_income/deployment").exists()


def test_another_policy_asks_every_gate_again(walked_to: Callable[..., Walk]):
    """A verdict by the old limits does not release a model under the new ones."""
    walk = walked_to("deployment", model_gates__performance__metrics__accuracy__minimum=0.5)
    alone = walk.run("registered_model")
    assert failed_steps(alone) == {"census_income__registered_model"}
    assert walk.run().success


def test_a_data_gate_stops_before_the_split(new_walk: Callable[..., Walk]):
    walk = new_walk(data_gates__row_count__minimum=50_000)
    result = walk.run()
    assert failed_steps(result) == {"census_income_dataset_gates"}
    assert materialised(result) == ["source", "dataset"]


def test_a_gate_that_only_warns_lets_the_model_through_and_alerts(walked_to: Callable[..., Walk]):
    warns = {"max_megabytes": 0.000001, "severity": "warn"}
    walk = walked_to("evaluation", model_gates__artifact_size=warns)
    result = walk.run()
    assert result.success
    assert "artifact_size" in walk.settings.alert_log.read_text()
