"""What a finished run left unanswered, as plain values: steps that crashed, checks that said nothing."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import dagster as dg

PLANNED = dg.DagsterEventType.ASSET_CHECK_EVALUATION_PLANNED
EVALUATED = dg.DagsterEventType.ASSET_CHECK_EVALUATION
MADE = dg.DagsterEventType.ASSET_MATERIALIZATION_PLANNED
FAILED = dg.DagsterEventType.STEP_FAILURE
SUCCEEDED = dg.DagsterEventType.STEP_SUCCESS
RUN_FAILED = dg.DagsterEventType.RUN_FAILURE
RUN_CANCELED = dg.DagsterEventType.RUN_CANCELED
WATCHED = {PLANNED, EVALUATED, MADE, FAILED, SUCCEEDED, RUN_FAILED, RUN_CANCELED}
A_GATE_SAID_NO = "DagsterAssetCheckFailedError"  # Its verdict was alerted, with the evidence.
FOR_USERS = "Failure"  # `dg.Failure`: its words are written to be read, without secrets.


@dataclass(frozen=True, kw_only=True)
class Check:
    """A planned check: the table it judges, its gate, and the step that asks it."""

    table: str
    gate: str
    step: str

    @property
    def name(self) -> str:
        """Table and gate."""
        return f"{self.table} {self.gate}"


@dataclass(frozen=True, kw_only=True)
class Crash:
    """A step that ended with an error: its class, and what it said where that is meant for people."""

    step: str
    error: str
    said: str


@dataclass(frozen=True, kw_only=True)
class Ended:
    """One finished run, as far as it is about one pipeline.

    Attributes:
        run_id: Its id.
        status: "SUCCESS", "FAILURE" or "CANCELED".
        at: When it ended.
        steps: Its steps that are of the pipeline.
        succeeded: Of them, those that ended well.
        refused: Whether a blocking gate ended a step.
        crashed: Steps that ended otherwise.
        unanswered: Checks that were planned and gave no verdict.
        answered: Checks that gave one.
        said: What Dagster said of the end of the run.
    """

    run_id: str
    status: str
    at: datetime
    steps: frozenset[str]
    succeeded: frozenset[str]
    refused: bool
    crashed: tuple[Crash, ...]
    unanswered: tuple[Check, ...]
    answered: tuple[Check, ...]
    said: str

    def silent(self) -> list[Check]:
        """Return the checks whose silence nothing explains: no crash, no gate that refused before them."""
        explained = bool(self.crashed) or self.refused or self.status != "SUCCESS"
        return [c for c in self.unanswered if c.step in self.succeeded or not explained]


def ended(instance: dg.DagsterInstance, record: dg.RunRecord, pipeline: str) -> Ended | None:
    """Return what a finished run was about a pipeline; None if it was not about it."""
    run = record.dagster_run
    events = [
        entry.dagster_event
        for entry in instance.all_logs(run.run_id, of_type=WATCHED)
        if entry.dagster_event
    ]
    planned = [_check(e) for e in events if e.event_type is PLANNED]
    ours = [check for check in planned if check and check.table.split("/")[0] == pipeline]
    made = {
        e.step_key
        for e in events
        if e.event_type is MADE and e.step_key and e.asset_key and e.asset_key.path[0] == pipeline
    }
    steps = made | {check.step for check in ours}
    if not steps:
        return None
    answered = {
        (key.asset_key.to_user_string(), key.name)
        for e in events
        if e.event_type is EVALUATED
        for key in [e.asset_check_evaluation_data.asset_check_key]
    }
    failures = [e for e in events if e.event_type is FAILED and e.step_key in steps]
    crashes = [_crash(e) for e in failures]
    return Ended(
        run_id=run.run_id,
        status=run.status.value,
        at=datetime.fromtimestamp(record.end_time or record.update_timestamp.timestamp(), UTC),
        steps=frozenset(steps),
        succeeded=frozenset(
            e.step_key for e in events if e.event_type is SUCCEEDED and e.step_key in steps
        ),
        refused=any(crash.error == A_GATE_SAID_NO for crash in crashes),
        crashed=tuple(crash for crash in crashes if crash.error != A_GATE_SAID_NO),
        unanswered=tuple(c for c in ours if (c.table, c.gate) not in answered),
        answered=tuple(c for c in ours if (c.table, c.gate) in answered),
        said=_last_words(events),
    )


def _check(event: dg.DagsterEvent) -> Check | None:
    planned = event.event_specific_data
    key, gate = getattr(planned, "asset_key", None), getattr(planned, "check_name", None)
    if key is None or gate is None:
        return None
    return Check(table=key.to_user_string(), gate=gate, step=event.step_key or "")


def _crash(event: dg.DagsterEvent) -> Crash:
    """Return what ended a step. Only words written for people are kept: others may hold a password."""
    data = event.step_failure_data
    error = data.error
    cause = error.cause if error and error.cause else error
    name = (cause.cls_name if cause else "") or "an error without a name"
    meant = data.user_failure_data.description if data.user_failure_data else None
    return Crash(step=event.step_key or "", error=name, said=meant or "")


def _last_words(events: Sequence[dg.DagsterEvent]) -> str:
    """Return the first line of what Dagster said when the run failed or was cancelled."""
    said = [e.message or "" for e in events if e.event_type in (RUN_FAILED, RUN_CANCELED)]
    return said[-1].strip().partition("\n")[0] if said else ""
