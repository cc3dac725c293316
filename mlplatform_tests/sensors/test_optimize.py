"""Upkeep by the clock: the job compacts the pipeline's own tables, and the schedule is the spec's."""

from pathlib import Path

import dagster as dg
import pyarrow as pa

import sensors
from mlplatform.lake import Lake, Lineage
from mlplatform.spec import load_pipeline
from mlplatform_tests.small import small_pipeline
from resources import LakeResource
from sensors import optimize

WHO = Lineage(asset="t", run_id="r", code_version="c")


def test_the_job_compacts_the_pipelines_tables_and_no_others(tmp_path: Path):
    pipeline = load_pipeline(small_pipeline(tmp_path / "pipelines"))
    lake = Lake(tmp_path / "lake")
    for name in ("census_income/predictions", "other/predictions"):
        for n in range(20):
            lake.table(name).append(pa.table({"x": [n]}), WHO, token=str(n))
    before = lake.table("census_income/predictions").latest()
    wired = dg.Definitions(resources={"lake": LakeResource(root=lake.root)})
    built = dg.Definitions.merge(optimize.build(pipeline), wired)
    job = built.resolve_job_def("census_income_optimize")
    result = job.execute_in_process(instance=dg.DagsterInstance.ephemeral())
    assert result.success
    fresh = Lake(lake.root)
    assert len(fresh.table("census_income/predictions").files()) == 1
    assert fresh.table("census_income/predictions").latest() == before
    assert len(fresh.table("other/predictions").files()) == 20


def test_the_schedule_is_the_specs_and_can_be_turned_off(tmp_path: Path):
    nightly = sensors.build(load_pipeline(small_pipeline(tmp_path / "a")))
    assert {s.name: s.cron_schedule for s in nightly.schedules or []}[
        "census_income_optimize_schedule"
    ] == "30 2 * * *"
    off = sensors.build(load_pipeline(small_pipeline(tmp_path / "b", retention__optimize=None)))
    assert [s.name for s in off.schedules or []] == ["census_income_schedule"]
    assert [job.name for job in off.jobs or []] == ["census_income_optimize"]
