"""The alert sensor on a real Dagster instance and a real lake: what it tells, once, and what it leaves alone."""

import json
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import takewhile
from pathlib import Path
from typing import Any
from uuid import uuid4

import dagster as dg
import pytest

import sensors
from mlplatform.lake import Lake, Lineage
from mlplatform.registry import gate_log
from mlplatform.registry.gate_log import Subject
from mlplatform.spec import Pipeline, load_pipeline
from mlplatform.verdict import Outcome, Severity, Verdict
from mlplatform_tests.endpoint import Endpoint
from mlplatform_tests.small import small_pipeline
from resources import AlertsResource, LakeResource

WHO = Lineage(asset="test", run_id="r1", code_version="c")
MODEL, NEXT = (dg.AssetKey(["census_income", name]) for name in ("model", "deployment"))
PLANTED = "postgresql://user:s3cr3t@db/x"  # pragma: allowlist secret


class Watch:
    """The sensor with its instance, lake and log; each tick goes on from the one before."""

    def __init__(self, home: Path, pipeline: Pipeline) -> None:
        self.instance = dg.DagsterInstance.ephemeral()
        self.lake, self.log = Lake(home / "lake"), home / "alerts.jsonl"
        self.pipeline, self.cursor = pipeline, None

    def tick(self) -> str:
        """Evaluate the sensor as the daemon does; return what it said."""
        found = {s.name: s for s in sensors.build(self.pipeline).sensors or []}
        resources = {
            "lake": LakeResource(root=self.lake.root),
            "alerts": AlertsResource(log=str(self.log)),
        }
        context = dg.build_sensor_context(
            instance=self.instance, cursor=self.cursor, resources=resources
        )
        result: Any = found["census_income_alerts"](context)
        self.cursor = result.cursor
        assert not result.run_requests
        return str(result.skip_reason.skip_message)

    def judge(self, *verdicts: Verdict, digest: str = "d1", ago: timedelta = timedelta()) -> None:
        """Keep verdicts as a check does, whose process ends before it tells anybody."""
        subject = Subject(table="census_income/evaluation", digest=digest, policy_hash="p1")
        at = datetime.now(UTC) - ago
        who = Lineage(asset="test", run_id=at.isoformat(), code_version="c")
        gate_log.keep(self.lake.table("census_income/gates"), subject, verdicts, who, at)

    def run(self, events: Sequence[dg.DagsterEvent]) -> dg.DagsterRun:
        """Let a run happen here whose events were recorded."""
        run = dg.DagsterRun(job_name="walk", run_id=str(uuid4()))
        self.instance.add_run(run)
        for event in events:
            self.instance.report_dagster_event(event, run_id=run.run_id)
        found = self.instance.get_run_by_id(run.run_id)
        assert found is not None
        return found


def passes() -> Iterator[dg.AssetCheckResult]:
    yield dg.AssetCheckResult(passed=True, check_name="budget", asset_key=MODEL)


def fails() -> Iterator[dg.AssetCheckResult]:
    yield dg.AssetCheckResult(passed=False, check_name="budget", asset_key=MODEL)


def crashes() -> Iterator[dg.AssetCheckResult]:
    raise ValueError(f"cannot connect to {PLANTED}")
    yield


def gives_up() -> Iterator[dg.AssetCheckResult]:
    raise dg.Failure("s3://bucket/rows.csv is missing; land it again", allow_retries=False)
    yield


@cache
def events(ask: Callable[[], Any]) -> tuple[dg.DagsterEvent, ...]:
    """Events of a real run of an asset, a check on it that does `ask`, and a checked asset behind it."""

    @dg.asset(key=MODEL)
    def model() -> None: ...

    @dg.asset(key=NEXT, deps=[MODEL])
    def deployment() -> None: ...

    @dg.multi_asset_check(
        name="census_income_model_gates",
        specs=[dg.AssetCheckSpec("budget", asset=MODEL, blocking=True)],
    )
    def gates() -> Iterator[dg.AssetCheckResult]:
        yield from ask()

    @dg.asset_check(asset=NEXT, name="traffic_verified", blocking=True)
    def verified() -> dg.AssetCheckResult:
        return dg.AssetCheckResult(passed=True)

    defs = dg.Definitions(assets=[model, deployment], asset_checks=[gates, verified])
    with dg.DagsterInstance.ephemeral() as instance:
        job = defs.resolve_implicit_global_asset_job_def()
        run = job.execute_in_process(instance=instance, raise_on_error=False)
        logs = instance.all_logs(run.run_id)
        return tuple(entry.dagster_event for entry in logs if entry.dagster_event)


def without(ask: Callable[[], Any], *types: str) -> list[dg.DagsterEvent]:
    """Events of a run, but for those of some types."""
    return [event for event in events(ask) if event.event_type_value not in types]


def half_a_run() -> list[dg.DagsterEvent]:
    """Events of a run that ended, with its process, after the first check had answered."""
    return (
        list(takewhile(lambda e: e.event_type_value != "ASSET_CHECK_EVALUATION", events(passes)))
        + [e for e in events(passes) if e.event_type_value == "ASSET_CHECK_EVALUATION"][:1]
    )


@pytest.fixture
def watch(tmp_path: Path) -> Watch:
    return Watch(tmp_path, load_pipeline(small_pipeline(tmp_path / "pipelines")))


def failing(**changes: Any) -> Verdict:
    return Verdict(
        **{"gate": "fairness", "outcome": Outcome.FAIL, "because": "too wide", **changes}
    )


def test_without_anything_to_tell_it_says_so(watch: Watch, alert_endpoint: Endpoint):
    assert "0 finished runs looked at, 0 new failures; nothing to deliver" in watch.tick()
    watch.run(events(passes))
    assert "1 finished runs looked at, 0 new failures; nothing to deliver" in watch.tick()
    assert not alert_endpoint.received


def test_a_check_that_crashed_is_told_once_with_its_gates_and_without_its_words(
    watch: Watch, alert_endpoint: Endpoint
):
    """What an exception says can hold a password; the run's log has it."""
    run_id = watch.run(events(crashes)).run_id
    assert "1 new failures; 1 of 1 deliveries arrived" in watch.tick()
    watch.run(events(crashes))
    assert "0 new failures" in watch.tick()
    assert alert_endpoint.titles == ["census_income: step census_income_model_gates crashed"]
    message = alert_endpoint.received[0]["message"]
    assert message.startswith("ValueError")
    assert "not answered: census_income/model budget" in message
    assert run_id in message
    assert "cannot connect" not in message + watch.log.read_text()


def test_a_crash_that_went_away_and_came_back_is_told_again(watch: Watch, alert_endpoint: Endpoint):
    for ask in (crashes, passes, crashes):
        watch.run(events(ask))
        watch.tick()
    assert len(alert_endpoint.received) == 2


def test_what_a_step_says_to_people_is_in_the_alert(watch: Watch, alert_endpoint: Endpoint):
    watch.run(events(gives_up))
    watch.tick()
    assert "s3://bucket/rows.csv is missing; land it again" in alert_endpoint.received[0]["message"]


def test_a_run_that_a_gate_stopped_is_no_second_alert(watch: Watch, alert_endpoint: Endpoint):
    """The gate's own alert has the evidence; what was not asked behind it is its consequence."""
    watch.run(events(fails))
    assert "1 finished runs looked at, 0 new failures" in watch.tick()
    assert not alert_endpoint.received


def test_a_planned_check_that_gave_no_answer_in_a_run_that_succeeded_is_told(
    watch: Watch, alert_endpoint: Endpoint
):
    """Dagster lets what is downstream of a blocking check go on that yields nothing."""
    watch.run(without(passes, "ASSET_CHECK_EVALUATION"))
    assert "1 finished runs looked at, 2 new failures" in watch.tick()
    gates = {"budget of census_income/model", "traffic_verified of census_income/deployment"}
    assert set(alert_endpoint.titles) == {f"census_income: gate {g} gave NO ANSWER" for g in gates}


def test_a_check_whose_step_never_began_in_a_run_that_succeeded_is_told(
    watch: Watch, alert_endpoint: Endpoint
):
    gates = "census_income_model_gates"
    watch.run([e for e in events(passes) if e.step_key != gates or "PLANNED" in e.event_type_value])
    watch.tick()
    assert alert_endpoint.titles == [
        "census_income: gate budget of census_income/model gave NO ANSWER"
    ]


def test_a_run_that_ended_without_a_step_to_blame_is_told(watch: Watch, alert_endpoint: Endpoint):
    """As when its process is killed and Dagster's monitoring finds out."""
    killed = watch.run(half_a_run())
    watch.instance.report_run_failed(killed, "Detected run worker status FAILED.\nlogs")
    assert "1 new failures" in watch.tick()
    (message,) = alert_endpoint.received
    assert message["title"] == "census_income: run failure"
    assert message["message"].startswith("Detected run worker status FAILED.")
    assert "checks without an answer: 1" in message["message"]


def test_a_run_of_another_pipeline_is_left_to_its_own_sensor(
    watch: Watch, alert_endpoint: Endpoint
):
    @dg.asset(key=dg.AssetKey(["another", "model"]))
    def broken() -> None:
        raise ValueError

    job = dg.Definitions(assets=[broken]).resolve_implicit_global_asset_job_def()
    assert not job.execute_in_process(instance=watch.instance, raise_on_error=False).success
    assert "0 finished runs looked at" in watch.tick()
    assert not alert_endpoint.received


@pytest.mark.parametrize("severity", list(Severity))
def test_a_verdict_that_nobody_was_told_of_is_told_blocking_or_not(
    watch: Watch, alert_endpoint: Endpoint, severity: Severity
):
    """Its process ended between keeping the verdict and sending the alert."""
    watch.judge(failing(severity=severity))
    assert "1 new failures; 1 of 1 deliveries arrived" in watch.tick()
    assert "0 new failures" in watch.tick()
    (message,) = alert_endpoint.received
    assert message["title"].startswith("census_income: gate fairness FAILED")
    assert "too wide" in message["message"]


def test_a_verdict_is_told_once_though_the_cursor_is_lost(watch: Watch, alert_endpoint: Endpoint):
    watch.judge(failing())
    watch.tick()
    watch.cursor = None
    watch.tick()
    assert len(alert_endpoint.received) == 1


def test_another_model_that_fails_is_told_and_one_that_passed_since_is_not(
    watch: Watch, alert_endpoint: Endpoint
):
    watch.judge(failing(), digest="d1")
    watch.tick()
    watch.judge(failing(), digest="d2")
    watch.tick()
    assert len(alert_endpoint.received) == 2
    watch.judge(failing(), digest="d3", ago=timedelta(minutes=2))
    watch.judge(failing(outcome=Outcome.PASS), digest="d3")
    assert "0 new failures" in watch.tick()


def test_a_verdict_of_last_week_is_not_told_by_a_sensor_that_is_new(watch: Watch):
    watch.judge(failing(), ago=timedelta(days=7))
    assert "0 new failures" in watch.tick()


def test_what_did_not_arrive_is_tried_again_and_counted_meanwhile(
    watch: Watch, alert_endpoint: Endpoint
):
    alert_endpoint.status = 500
    watch.judge(failing())
    assert "0 of 1 deliveries arrived; 1 undelivered, the next at" in watch.tick()
    alert_endpoint.status = 200
    assert "nothing to deliver; 1 undelivered" in watch.tick()
    age(watch.log, minutes=2)
    assert "1 of 1 deliveries arrived" in watch.tick()
    assert alert_endpoint.titles[0] == alert_endpoint.titles[1]


def test_a_log_that_cannot_be_written_is_said_and_looked_at_again(watch: Watch):
    watch.log.mkdir()
    watch.judge(failing())
    assert "nobody can be told now" in watch.tick()
    assert watch.cursor is None


def test_a_run_that_has_said_nothing_for_hours_is_told(
    watch: Watch, alert_endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
):
    watch.run(half_a_run())
    assert "0 new failures" in watch.tick()
    monkeypatch.setattr("sensors.alerts.SILENT", timedelta())
    watch.tick()
    assert alert_endpoint.titles == ["census_income: run silent"]
    assert "may have been killed" in alert_endpoint.received[0]["message"]


def age(log: Path, **by: float) -> None:
    """Make every line of the log older."""
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    for line in lines:
        line["at"] = (datetime.fromisoformat(line["at"]) - timedelta(**by)).isoformat()
    log.write_text("".join(json.dumps(line) + "\n" for line in lines))
