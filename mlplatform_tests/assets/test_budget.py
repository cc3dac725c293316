"""What the model's row and its commit say of the budget is what the gate judges."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pyarrow as pa
import pytest

from assets.judges.training import _within_budget
from mlplatform.lake import Lake, Lineage
from mlplatform.provenance.making import left
from mlplatform.spec import Pipeline, PipelineSpec
from mlplatform.verdict import Verdict

SPEC = {
    "name": "loans",
    "source": {"kind": "csv", "files": ["a.csv"]},
    "columns": {"x": "float64", "y": "string"},
    "label": {"column": "y", "positive": "1"},
}
TIMES = {"wall_seconds": 12.5, "device_hours": 0.01, "cost": 0.0}


def judged(
    folder: Path,
    row: dict[str, Any],
    facts: dict[str, str],
    made_from: dict[str, str] | None = None,
    **spec: Any,
) -> Verdict:
    """Return the verdict on a model whose row and facts are these."""
    lake = Lake(folder)
    who = Lineage(
        asset="loans/model", run_id="r", code_version="c", inputs=made_from or {}, facts=facts
    )
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


def test_a_model_has_what_its_study_left_and_both_are_judged_together(tmp_path: Path) -> None:
    lake, table = Lake(tmp_path), pa.table({"trial": [0, 1]})
    facts = {
        "spent": json.dumps({**TIMES, "steps": 224}),
        "stopped_by": "budget.steps of 250 reached",
    }
    study = lake.table("loans/study").overwrite(
        table, Lineage(asset="loans/study", run_id="r", code_version="c", facts=facts)
    )
    spec = PipelineSpec.model_validate({**SPEC, "budget": {"steps": 250, "wall_seconds": 50}})
    pipeline = Pipeline(spec=spec, folder=tmp_path)
    assert left(pipeline, None) == spec.budget
    rest = left(pipeline, study)
    assert (rest.steps, rest.wall_seconds) == (26, 37.5)

    made_from = {"loans/study": study.reference}
    row, limits = {"stopped_by": "", "steps": 26}, {"steps": 250, "wall_seconds": 50}
    facts = {"spent": json.dumps(TIMES)}
    verdict = judged(tmp_path, row, facts, made_from=made_from, budget=limits)
    assert not verdict.passed
    assert (
        "study: budget.steps of 250 reached; used 250 of 250 steps, 25 of 50 s" in verdict.because
    )
