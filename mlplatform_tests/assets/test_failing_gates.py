"""One failing run of each gate on a model, and the alert about it as a real HTTP endpoint received it."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mlplatform.gates.policy import declared
from mlplatform.spec.model_gates import ModelGates
from mlplatform_tests.assets.conftest import Walk, failed_steps, materialised
from mlplatform_tests.endpoint import Endpoint

WORSE = {"hidden": [1], "epochs": 1, "learning_rate": 0.0001, "batch_size": 64, "family": "mlp"}
# What is changed of a walk that had passed, and where it then begins.
CHANGES: dict[str, dict[str, Any]] = {
    "budget": {"budget__steps": 20},
    "performance": {"model_gates__performance__metrics__accuracy__minimum": 0.99},
    "regression": {
        "model": WORSE,
        "model_gates__regression": {"margin": 0.02},
        "model_gates__performance": {"metrics": {"auc": {"minimum": 0.4, "margin": None}}},
    },
    "fairness": {"model_gates__fairness": {"max_equalized_odds": 0.01, "min_rows": 50}},
    "calibration": {"model_gates__calibration__max_error": 0.0001},
    "behaviour": {"model_gates__behaviour__max_flips": 0.0001},
    "latency": {"model_gates__latency__max_p99_ms": 0.0001},
    "throughput": {"model_gates__throughput": {"min_requests_per_second": 1e7, "seconds": 0.5}},
    "artifact_size": {"model_gates__artifact_size__max_megabytes": 0.001},
    "data_integrity": {"model_gates__artifact_size__max_megabytes": 19},
    "reproducibility": {"model__seed": 5, "model_gates__reproducibility__severity": "block"},
}
BEGINS = {"regression": "deployment"}  # Beside a live model; the others are first ones.
# What it is made from was judged by the policy before: a run of the asset alone must see that.
ALONE = {"data_integrity": ("evaluation", "gate_verdict", "registered_model", "deployment")}
KEEP_IN = os.environ.get(
    "KEEP_ALERTS_IN", ""
)  # A folder for the alerts that docs/model-gates.md shows.
BY_THEMSELVES = {"budget", "regression", "data_integrity"}
# One run fails several gates at once, unless their alerts are to be kept one by one.
RUNS = [[gate] for gate in CHANGES if KEEP_IN or gate in BY_THEMSELVES]
RUNS += [] if KEEP_IN else [[gate for gate in CHANGES if gate not in BY_THEMSELVES]]


def test_every_gate_on_a_model_has_its_failing_run():
    assert CHANGES.keys() == declared(ModelGates()).keys()
    assert sorted(gate for run in RUNS for gate in run) == sorted(CHANGES)


@pytest.mark.slow
@pytest.mark.parametrize("gates", RUNS, ids="-".join)
def test_a_failing_gate_stops_the_run_and_its_alert_arrives(
    gates: list[str],
    walked_to: Callable[..., Walk],
    alert_endpoint: Endpoint,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
):
    first, changes = gates[0], {k: v for gate in gates for k, v in CHANGES[gate].items()}
    walk = walked_to(BEGINS.get(first, "evaluation"), **changes)
    if "reproducibility" in gates:
        monkeypatch.setattr("assets.publish.ROOT", tmp_path)  # No git checkout.
    before = walk.lake.table("census_income/registered_model").latest()
    result = walk.run(*ALONE.get(first, ()))
    judged = "model" if first == "budget" else "evaluation"
    assert failed_steps(result) == {f"census_income_{judged}_gates"}
    assert materialised(result)[-1] == judged
    assert walk.lake.table("census_income/registered_model").latest() == before
    said = walk.said(judged)
    assert set(gates) <= {gate for gate, verdict in said.items() if verdict.stops}
    for gate in gates:
        told = [each for each in alert_endpoint.received if f"gate {gate}" in str(each["title"])]
        assert len(told) == 1, alert_endpoint.titles
        assert said[gate].outcome.value in str(told[0]["title"]).lower()
        _kept_for_the_documentation(gate, told[0])


def _kept_for_the_documentation(gate: str, alert: dict[str, Any]) -> None:
    """Write what arrived where `KEEP_ALERTS_IN` says, for docs/model-gates.md."""
    if KEEP_IN:
        (Path(KEEP_IN) / f"{gate}.json").write_text(json.dumps(alert, indent=1))
