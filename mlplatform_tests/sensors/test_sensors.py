"""Sensors on a real lake: when they ask, when they do not, and why."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import dagster as dg
import pyarrow as pa
import pytest

import sensors
from mlplatform.ingest.source import land, land_file
from mlplatform.lake import Lake, Lineage
from mlplatform.monitor.reference import cut
from mlplatform.registry.record import Candidate, register
from mlplatform.rollout import Event, Kind
from mlplatform.rollout.events import append
from mlplatform.spec import Pipeline, load_pipeline
from mlplatform.verdict import Outcome
from mlplatform_tests.small import TRAINING_LINES, batch, small_pipeline
from resources import LakeResource

WHO = Lineage(asset="test", run_id="r", code_version="c")
NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def pipeline(tmp_path: Path) -> Pipeline:
    """A small pipeline."""
    return load_pipeline(small_pipeline(tmp_path / "pipelines"))


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    """An empty lake."""
    return Lake(tmp_path / "lake")


def model(lake: Lake, pipeline: Pipeline, ages: list[int]) -> str:
    """Land the source and make a champion whose training rows had these ages."""
    source = land(pipeline, lake, WHO)
    reference = cut(pa.table({"age": ages}), ["age"])
    digest = lake.artifacts.put({"reference.json": reference})
    candidate = Candidate(
        model_digest=digest, metrics={}, verdict=Outcome.PASS, verdict_digests={},
        code_version="c", data_versions={source.table: source.reference},
    )  # fmt: skip
    register(lake, "census_income", candidate, WHO, NOW)
    event = Event(
        kind=Kind.DEPLOYED, model_digest=digest, model_version=1, percent=100, by="t", reason="t", at=NOW
    )  # fmt: skip
    append(lake.table("census_income/deployment"), event, WHO, token="first")
    return digest


def more_rows(lake: Lake, pipeline: Pipeline, rows: int) -> None:
    """Land a further labelled batch."""
    file = batch(pipeline.folder / "batch.data", TRAINING_LINES, rows)
    land_file(pipeline, file, lake, WHO)


def tick(
    lake: Lake, pipeline: Pipeline, name: str, instance: dg.DagsterInstance | None = None
) -> Any:
    """Evaluate one sensor as the daemon does."""
    found = {s.name: s for s in sensors.build(pipeline).sensors or []}
    context = dg.build_sensor_context(
        instance=instance or dg.DagsterInstance.ephemeral(),
        resources={"lake": LakeResource(root=lake.table("x").uri.removesuffix("/x"))},
    )
    sensor = found[f"census_income_{name}"]
    return sensor(context)


def test_without_a_model_the_volume_sensor_waits_and_says_so(lake: Lake, pipeline: Pipeline):
    skipped = tick(lake, pipeline, "volume")
    assert isinstance(skipped, dg.SkipReason)
    assert "no model is live" in str(skipped.skip_message)


def test_too_few_new_rows_are_counted_and_skipped(lake: Lake, pipeline: Pipeline):
    model(lake, pipeline, [30])
    more_rows(lake, pipeline, 100)
    skipped = tick(lake, pipeline, "volume")
    assert isinstance(skipped, dg.SkipReason)
    assert "100 rows since" in str(skipped.skip_message)


def test_a_large_enough_batch_asks_for_one_run_however_often_it_is_looked_at(
    lake: Lake, pipeline: Pipeline
):
    model(lake, pipeline, [30])
    more_rows(lake, pipeline, 600)
    first, second = tick(lake, pipeline, "volume"), tick(lake, pipeline, "volume")
    assert isinstance(first, dg.RunRequest)
    assert isinstance(second, dg.RunRequest)
    assert first.run_key == second.run_key
    assert first.tags["mlplatform/trigger"] == "volume"
    assert "600 rows" in first.tags["mlplatform/because"]


def test_a_failed_run_is_asked_for_once_more_under_another_key_and_then_no_more(
    lake: Lake, pipeline: Pipeline
):
    """Dagster never runs a key twice, so an attempt that failed needs a new one."""
    model(lake, pipeline, [30])
    more_rows(lake, pipeline, 600)
    instance = dg.DagsterInstance.ephemeral()
    first = tick(lake, pipeline, "volume", instance)
    run(instance, first, dg.DagsterRunStatus.FAILURE)
    second = tick(lake, pipeline, "volume", instance)
    assert isinstance(second, dg.RunRequest)
    assert second.run_key != first.run_key
    run(instance, second, dg.DagsterRunStatus.FAILURE)
    third = tick(lake, pipeline, "volume", instance)
    assert isinstance(third, dg.SkipReason)
    assert "2 runs failed, no more attempts" in str(third.skip_message)


def test_a_run_in_progress_is_not_asked_for_again(lake: Lake, pipeline: Pipeline):
    model(lake, pipeline, [30])
    more_rows(lake, pipeline, 600)
    instance = dg.DagsterInstance.ephemeral()
    run(instance, tick(lake, pipeline, "volume", instance), dg.DagsterRunStatus.STARTED)
    skipped = tick(lake, pipeline, "volume", instance)
    assert isinstance(skipped, dg.SkipReason)
    assert "asked before" in str(skipped.skip_message)


def test_logged_requests_like_the_training_rows_are_no_drift(lake: Lake, pipeline: Pipeline):
    digest = model(lake, pipeline, [a % 60 + 18 for a in range(2000)])
    log(lake, digest, [(a * 7) % 60 + 18 for a in range(1000)])
    skipped = tick(lake, pipeline, "drift")
    assert isinstance(skipped, dg.SkipReason)
    assert "PSI on 1,000 logged rows" in str(skipped.skip_message)


def test_logged_requests_from_elsewhere_ask_for_a_run_and_name_the_column(
    lake: Lake, pipeline: Pipeline
):
    digest = model(lake, pipeline, [a % 60 + 18 for a in range(2000)])
    log(lake, digest, [70] * 1000)
    asked = tick(lake, pipeline, "drift")
    assert isinstance(asked, dg.RunRequest)
    assert "age" in asked.tags["mlplatform/because"]


def test_drift_is_judged_on_the_champions_requests_alone(lake: Lake, pipeline: Pipeline):
    model(lake, pipeline, [a % 60 + 18 for a in range(2000)])
    log(lake, "another model", [70] * 1000)
    skipped = tick(lake, pipeline, "drift")
    assert isinstance(skipped, dg.SkipReason)
    assert "0 of the 200 logged rows" in str(skipped.skip_message)


def test_the_schedule_asks_with_its_reason(pipeline: Pipeline):
    schedule = next(iter(sensors.build(pipeline).schedules or []))
    assert isinstance(schedule, dg.ScheduleDefinition)
    context = dg.build_schedule_context(scheduled_execution_time=NOW)
    request = schedule.evaluate_tick(context).run_requests[0]  # type: ignore[index]
    assert request.tags["mlplatform/trigger"] == "schedule"
    assert "0 3 * * 1" in request.tags["mlplatform/because"]


def run(instance: dg.DagsterInstance, request: dg.RunRequest, status: dg.DagsterRunStatus) -> None:
    """Record a run of `request` as the daemon would have launched it."""
    instance.add_run(dg.DagsterRun(job_name="walk", status=status, tags=dict(request.tags)))


def log(lake: Lake, digest: str, ages: list[int]) -> None:
    """Log requests answered by a model."""
    rows = pa.table({"age": ages, "model_digest": [digest] * len(ages)})
    lake.table("census_income/predictions").append(rows, WHO, token=f"{digest}-{ages[0]}")
