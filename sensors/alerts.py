"""Alerts that arrive: undelivered ones are tried again, and a check that never answered is alerted too.

Dagster's own failure sensors stay silent about a failed check that does not block. So verdicts are
watched in the `gates` table, where they are whatever became of the run; and finished runs, for the
checks that gave none.
"""

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import dagster as dg

from mlplatform.alerts import failures
from mlplatform.alerts.notify import Alerts
from mlplatform.errors import PlatformError
from mlplatform.lake import Lake
from mlplatform.registry import gate_log
from mlplatform.spec import Pipeline
from resources import AlertsResource, LakeResource
from sensors.ended import Ended, ended

SECONDS_BETWEEN_LOOKS = 60  # The first wait of a delivery that failed.
SECONDS_TO_DELIVER = 30  # Of the 60 that Dagster gives a tick.
RUNS_A_TICK = 50  # The rest is for the next tick.
BACK = timedelta(days=1)  # A sensor that is new, or was off, looks no further back.
OVERLAP = timedelta(seconds=30)  # A run's record can be written later than its time says.
FINISHED = [
    dg.DagsterRunStatus.SUCCESS,
    dg.DagsterRunStatus.FAILURE,
    dg.DagsterRunStatus.CANCELED,
]
RUNNING = [dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.CANCELING]
SILENT = timedelta(hours=6)  # Without one event; trainings say something every epoch.


@dataclass(frozen=True)
class Seen:
    """How far the sensor has looked: the last finished run's time, and the `gates` tables' versions."""

    runs: datetime
    gates: dict[str, str]

    @classmethod
    def of(cls, cursor: str | None, now: datetime) -> "Seen":
        """Return what a cursor says; one that is missing or of another form begins a day ago."""
        try:
            said = json.loads(cursor or "")
            runs, gates = datetime.fromisoformat(said["runs"]), dict(said["gates"])
        except (ValueError, TypeError, KeyError):
            return cls(now - BACK, {})
        return cls(max(runs, now - BACK), gates)

    def cursor(self) -> str:
        """Return the cursor that says this."""
        return json.dumps({"runs": self.runs.isoformat(), "gates": self.gates})


def build(pipeline: Pipeline) -> dg.SensorDefinition:
    """Return the pipeline's alert sensor. It starts no run, and says each time what there was to tell."""

    @dg.sensor(
        name=f"{pipeline.name}_alerts",
        minimum_interval_seconds=SECONDS_BETWEEN_LOOKS,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description=f"Tells people of verdicts, crashes and silent checks of {pipeline.name}, until it arrives.",
    )
    def sensor(
        context: dg.SensorEvaluationContext, lake: LakeResource, alerts: AlertsResource
    ) -> dg.SensorResult:
        seen = Seen.of(context.cursor, datetime.now(UTC))
        teller = alerts.open()
        try:
            gates, told = verdicts(lake.open(), pipeline, teller, seen.gates)
            runs, crashed, looked = finished(context.instance, pipeline, teller, seen.runs)
            stuck = silent(context.instance, pipeline, teller)
            said = delivered(teller)
        except PlatformError as wrong:
            return dg.SensorResult(
                skip_reason=f"nobody can be told now: {wrong}", cursor=context.cursor
            )
        new = told + crashed + stuck
        because = f"{looked} finished runs looked at, {new} new failures; {said}"
        return dg.SensorResult(skip_reason=because, cursor=Seen(runs, gates).cursor())

    return sensor


def verdicts(
    lake: Lake, pipeline: Pipeline, alerts: Alerts, known: dict[str, str]
) -> tuple[dict[str, str], int]:
    """Alert about verdicts of the last day that nobody was told of: the process ended before it could.

    Returns the version of each `gates` table, and how many alerts are new.
    """
    import pyarrow.compute as pc

    from mlplatform.gates import record

    found, new = {}, 0
    for each in [pipeline, *map(pipeline.landed_as, pipeline.spec.events)]:
        table = lake.table(each.table(gate_log.TABLE))
        latest = table.latest() if table.exists() else None
        if latest is None:
            continue
        found[table.name] = latest.reference
        if known.get(table.name) == latest.reference:
            continue
        rows = table.read(latest, where=pc.field("decided_at") >= datetime.now(UTC) - BACK)
        newest = {(row["subject"], row["gate"]): row for row in rows.to_pylist()}
        for row in newest.values():
            verdict, at = record.verdict(row), row["decided_at"]
            if verdict.passed:
                alerts.mend([failures.about(row["subject"], verdict.gate)], at)
                continue
            subject = gate_log.Subject(
                table=row["subject"],
                digest=row["subject_digest"],
                policy_hash=row["policy_hash"],
                model_digest=row["model_digest"],
            )
            about = (verdict, each.name, subject, row["run_id"], alerts.where)
            new += alerts.keep(failures.of_verdict(*about), at)
    return found, new


def finished(
    instance: dg.DagsterInstance, pipeline: Pipeline, alerts: Alerts, since: datetime
) -> tuple[datetime, int, int]:
    """Alert about what runs that ended after `since` left unanswered.

    Returns the newest run's time, how many alerts are new, and how many runs were looked at.
    """
    after = dg.RunsFilter(statuses=FINISHED, updated_after=since - OVERLAP)
    records = instance.get_run_records(
        after, limit=RUNS_A_TICK, order_by="update_timestamp", ascending=True
    )
    new, looked, newest = 0, 0, since
    for record in records:
        newest = max(newest, _utc(record.update_timestamp))
        run = ended(instance, record, pipeline.name)
        if run is not None:
            looked += 1
            new += _told(run, pipeline, alerts)
    full = len(records) == RUNS_A_TICK  # More of them may be waiting than the overlap has room for.
    return newest + OVERLAP if full else newest, new, looked


def _told(run: Ended, pipeline: Pipeline, alerts: Alerts) -> int:
    """Note what a run mended, and alert about what it broke; return how many alerts are new."""
    name, page = pipeline.name, alerts.where.run(run.run_id)
    passed = [f"{name}:step:{step}" for step in run.succeeded]
    passed += [f"{check.table}:{check.gate}:silent" for check in run.answered]
    passed += [f"{name}:run"] if run.status == "SUCCESS" else []
    alerts.mend(passed, run.at)
    found = [
        failures.of_step(
            name, crash.step, crash.error, crash.said,
            [check.name for check in run.unanswered if check.step == crash.step], page,
        )
        for crash in run.crashed
    ]  # fmt: skip
    found += [
        failures.of_silence(name, check.table, check.gate, run.run_id, alerts.where)
        for check in run.silent()
    ]
    if run.status != "SUCCESS" and not (run.crashed or run.refused):
        found.append(failures.of_run(name, run.status, run.said, len(run.unanswered), page))
    return sum(alerts.keep(alert, run.at) for alert in found)


def silent(instance: dg.DagsterInstance, pipeline: Pipeline, alerts: Alerts) -> int:
    """Alert about runs that run, as Dagster believes, and have said nothing for hours: a killed process."""
    new, now = 0, datetime.now(UTC)
    for record in instance.get_run_records(dg.RunsFilter(statuses=RUNNING), limit=RUNS_A_TICK):
        run_id = record.dagster_run.run_id
        last = instance.get_records_for_run(run_id, limit=1, ascending=False).records
        at = datetime.fromtimestamp(last[0].event_log_entry.timestamp, UTC) if last else now
        if now - at < SILENT:
            continue
        run = ended(instance, record, pipeline.name)
        if run is not None:
            hours = (
                f"{run_id} has said nothing since {at:%Y-%m-%d %H:%M} UTC; it may have been killed"
            )
            page = alerts.where.run(run_id)
            new += alerts.keep(
                failures.of_run(pipeline.name, "silent", hours, len(run.unanswered), page), at
            )
    return new


def delivered(alerts: Alerts) -> str:
    """Deliver what is due, and return in words what was and what waits."""
    tried = alerts.deliver(seconds=SECONDS_TO_DELIVER)
    now, left = datetime.now(UTC), 0
    waits: list[datetime] = []
    for one in alerts.kept():
        for channel in one.missing(now):
            left += 1
            due = one.due(channel)
            waits += [due] if due and channel in alerts.channels else []
    done = sum(not attempt.failure for attempt in tried)
    said = f"{done} of {len(tried)} deliveries arrived" if tried else "nothing to deliver"
    if left:
        after = f", the next at {min(waits):%H:%M} UTC" if waits else ""
        said += f"; {left} undelivered{after} (`mlplatform alerts`)"
    return said


def _utc(time: datetime) -> datetime:
    return time if time.tzinfo else time.replace(tzinfo=UTC)
