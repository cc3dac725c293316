"""Who and what started a Dagster run, from its tags alone: facts of what it made."""

import getpass
import json
from collections.abc import Mapping
from contextlib import suppress

import dagster as dg

from resources.run_tags import BECAUSE, EVIDENCE, TRIGGER

# Dagster's own tags, in the order in which they say who asked.
SCHEDULE, SENSOR = "dagster/schedule_name", "dagster/sensor_name"
BACKFILL, AUTOMATED = "dagster/backfill", "dagster/from_automation_condition"
PARENT, PERSON = "dagster/parent_run_id", "user"
EVIDENCES = {
    EVIDENCE: "evidence",
    BECAUSE: "because",
    SCHEDULE: "schedule",
    SENSOR: "sensor",
    ".dagster/scheduled_execution_time": "due",
    "dagster/tick": "tick",
    "dagster/run_key": "run_key",
    BACKFILL: "backfill",
    PARENT: "again_of_run",
}


def facts(context: dg.AssetExecutionContext) -> dict[str, str]:
    """Return `trigger`, `launched_by` and `job` of the run."""
    tags = context.run.tags
    return {
        "trigger": json.dumps(trigger(tags), sort_keys=True),
        "launched_by": launched_by(tags),
        "job": context.run.job_name,
    }


def trigger(tags: Mapping[str, str]) -> dict[str, str]:
    """Return `kind` and the evidence that the tags of a run hold."""
    evidence = {said: tags[tag] for tag, said in EVIDENCES.items() if tags.get(tag)}
    return {"kind": _kind(tags), **evidence}


def launched_by(tags: Mapping[str, str]) -> str:
    """Return a person, or what of Dagster asked; the account that runs it where nobody is named."""
    for tag, what in ((SCHEDULE, "schedule"), (SENSOR, "sensor"), (BACKFILL, "backfill")):
        if tags.get(tag):
            return f"{what} {tags[tag]}"
    if tags.get(PERSON):
        return tags[PERSON]
    if tags.get(AUTOMATED):
        return "automation"
    with suppress(OSError, KeyError):  # An account without a name, as in a container.
        return getpass.getuser()
    return "nobody known"


def _kind(tags: Mapping[str, str]) -> str:
    if tags.get(TRIGGER):
        return tags[TRIGGER]
    for tag, kind in ((SCHEDULE, "schedule"), (SENSOR, "sensor"), (BACKFILL, "backfill")):
        if tags.get(tag):
            return kind
    return "automation" if tags.get(AUTOMATED) else "manual"
