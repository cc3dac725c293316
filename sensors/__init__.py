"""What starts runs: one file a trigger. Each decides when, never how, and gives a reason every time.

And what tells people: `alerts`.
"""

import dagster as dg

from mlplatform.spec import Pipeline
from sensors import alerts, drift, schedule, volume


def build(pipeline: Pipeline) -> dg.Definitions:
    """Return the sensors and schedules the pipeline's spec asks for, and the one that alerts."""
    asked = [trigger.build(pipeline) for trigger in (drift, volume)]
    by_clock = schedule.build(pipeline)
    return dg.Definitions(
        sensors=[*(sensor for sensor in asked if sensor is not None), alerts.build(pipeline)],
        schedules=[by_clock] if by_clock is not None else [],
    )
