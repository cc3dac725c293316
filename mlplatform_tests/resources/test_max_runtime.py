"""The outer net under a budget: every run of a pipeline that has one ends, hung or not."""

import json
import os
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
import pytest

import sensors
from assets.pipeline import walk
from mlplatform.cli import dagster_home
from mlplatform.settings import Settings
from mlplatform.spec import Pipeline, PipelineSpec
from mlplatform.triggers.decide import Decision
from resources import max_runtime
from sensors.request import asked

SPEC = {
    "name": "loans",
    "source": {"kind": "csv", "files": ["a.csv"]},
    "columns": {"x": "float64", "y": "string"},
    "label": {"column": "y", "positive": "1"},
    "triggers": {"schedule": {"cron": "0 3 * * *"}},
}
NET = {"dagster/max_runtime": "3780"}


def pipeline(**more: object) -> Pipeline:
    return Pipeline(spec=PipelineSpec.model_validate({**SPEC, **more}), folder=Path("loans"))


BUDGETED = pipeline(budget={"wall_seconds": 60})


def test_a_run_may_last_three_budgets_and_an_hour() -> None:
    assert max_runtime.tags(BUDGETED) == NET
    assert max_runtime.TAG == dg.MAX_RUNTIME_SECONDS_TAG


def test_without_a_budget_of_time_a_run_may_last_as_long_as_it_likes() -> None:
    assert max_runtime.tags(pipeline(budget={"steps": 10})) == {}
    assert max_runtime.TAG not in (walk(pipeline()).tags or {})


def test_the_job_started_by_hand_carries_the_tag() -> None:
    tags = walk(BUDGETED).tags
    assert tags is not None
    assert tags.items() >= NET.items()


def test_what_a_sensor_asks_for_carries_the_tag() -> None:
    decision = Decision(fire=True, because="1 reason", evidence_key="e")
    context = dg.build_sensor_context(instance=dg.DagsterInstance.ephemeral())
    asked_for = asked(context, "volume", decision, max_runtime.tags(BUDGETED))
    assert isinstance(asked_for, dg.RunRequest)
    assert asked_for.tags.items() >= {**NET, "mlplatform/trigger": "volume"}.items()


def test_what_the_schedule_asks_for_carries_the_tag() -> None:
    schedule = sensors.schedule.build(BUDGETED)
    assert isinstance(schedule, dg.ScheduleDefinition)
    at = datetime(2026, 1, 1, 3, tzinfo=UTC)
    with dg.build_schedule_context(scheduled_execution_time=at) as context:
        (asked_for,) = schedule.evaluate_tick(context).run_requests or []
    assert asked_for.tags.items() >= NET.items()


HANGS = """
import time
import dagster as dg

@dg.asset
def hangs() -> None:
    time.sleep(600)

defs = dg.Definitions(
    assets=[hangs], jobs=[dg.define_asset_job("walk", "*", tags={"dagster/max_runtime": "2"})],
    executor=dg.in_process_executor,
)
"""


@pytest.mark.slow
def test_a_run_that_hangs_is_ended_by_the_daemon_of_the_home_we_write(tmp_path: Path) -> None:
    settings = Settings.from_environment({"MLPLATFORM_HOME": str(tmp_path / "home")}, tmp_path)
    environ = dagster_home.prepare(settings)
    configuration = settings.dagster_home / "dagster.yaml"
    often = configuration.read_text().replace(
        "poll_interval_seconds: 30", "poll_interval_seconds: 1"
    )
    configuration.write_text(often)
    (tmp_path / "hangs.py").write_text(HANGS)
    daemon = [sys.executable, "-m", "dagster._daemon", "run", "-f", str(tmp_path / "hangs.py")]
    launch = [sys.executable, "-m", "dagster", "job", "launch", "-f", "hangs.py", "-j", "walk"]
    with (tmp_path / "log").open("w") as log:
        subprocess.run(launch, cwd=tmp_path, env=environ, check=True, stdout=log, stderr=log)
        child = subprocess.Popen(daemon, cwd=tmp_path, env=environ, stdout=log, stderr=log)
        try:
            run = _ended(settings.dagster_home)
        finally:
            child.terminate()
            child.wait()
    # Its worker says canceled and the daemon failed; who speaks last is a race.
    assert run["status"] in {"FAILURE", "CANCELED"}, (tmp_path / "log").read_text()
    assert "exceeding maximum runtime of 2 seconds" in run["said"]


ASKS = """
import json
import dagster as dg
with dg.DagsterInstance.get() as instance:
    runs = instance.get_runs()
    said = [e.message for r in runs for e in instance.all_logs(r.run_id)]
    status = runs[0].status.value if runs else ""
    print(json.dumps({"status": status, "said": " ".join(m or "" for m in said)}))
"""


def _ended(home: Path) -> dict[str, str]:
    """Return status and log of the instance's only run once it has ended."""
    environ = {**os.environ, "DAGSTER_HOME": str(home.resolve())}
    for _ in range(60):
        asked = subprocess.run(
            [sys.executable, "-c", ASKS], env=environ, capture_output=True, text=True, check=True
        )
        run: dict[str, str] = json.loads(asked.stdout)
        if run["status"] in {"FAILURE", "SUCCESS", "CANCELED"}:
            return run
        time.sleep(1)
    return run
