"""What the model's row and its commit say of the budget is what the gate judges."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pyarrow as pa
import pytest

from assets.judges.training import _within_budget
from mlplatform.lake import Lake, Lineage
from mlplatform.spec import Pipeline, PipelineSpec
from mlplatform.verdict import Verdict

SPEC = {
    "name": "loans",
    "source": {"kind": "csv", "files": ["a.csv"]},
    "columns": {"x": "float64", "y": "string"},
    "label": {"column": "y", "positive": "1"},
}
TIMES = {"wall_seconds": 12.5, "device_hours": 0.01, "cost": 0.0}


def judged(folder: Path, row: dict[str, Any], facts: dict[str, str], **spec: Any) -> Verdict:
    """Return the verdict on a model whose row and facts are these."""
    lake = Lake(folder)
    who = Lineage(asset="loans/model", run_id="r", code_version="c", facts=facts)
    version = lake.table("loans/model").overwrite(pa.Table.from_pylist([row]), who)
    pipeline = Pipeline(spec=PipelineSpec.model_validate({**SPEC, **spec}), folder=folder)
    return _within_budget(SimpleNamespace(store=lake, pipeline=pipeline), version)  # type: ignore[arg-type]


def test_a_training_within_its_budget_passes_and_says_what_it_used(tmp_path: Path) -> None:
    row = {"stopped_by": "", "steps": 250}
    budget = {"steps": 1000, "wall_seconds": 50}
    verdict = judged(tmp_path, row, {"spent": json.dumps(TIMES)}, budget=budget)
    assert verdict.passed
    assert verdict.because == "training ended by itself; used 250 of 1,000 steps, 12.5 of 50 s"


@pytest.mark.parametrize("reached", ["fail", "pass"])
def test_a_training_that_its_budget_ended_is_what_the_policy_says(
    tmp_path: Path, reached: str
) -> None:
    row = {"stopped_by": "budget.steps of 1,000 reached", "steps": 1000}
    gates = {"budget": {"reached": reached}}
    verdict = judged(tmp_path, row, {}, budget={"steps": 1000}, model_gates=gates)
    assert verdict.passed == (reached == "pass")


def test_times_that_nobody_kept_do_not_pass(tmp_path: Path) -> None:
    verdict = judged(tmp_path, {"stopped_by": "", "steps": 1}, {}, budget={"wall_seconds": 50})
    assert not verdict.passed
    assert "budget.wall_seconds was not measured" in verdict.because


def test_a_row_that_does_not_say_what_ended_the_training_does_not_pass(tmp_path: Path) -> None:
    assert not judged(tmp_path, {"steps": 1}, {}).passed


def test_without_a_budget_and_times_a_training_passes(tmp_path: Path) -> None:
    assert judged(tmp_path, {"stopped_by": "", "steps": 1}, {}).passed
