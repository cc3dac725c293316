"""What starts runs: one file a trigger. Each decides when, never how, and gives a reason every time.

And what tells people, `alerts`, and what keeps tables quick, `optimize`.
"""

import dagster as dg

from mlplatform.spec import Pipeline
from sensors import alerts, drift, optimize, schedule, volume


def build(pipeline: Pipeline) -> dg.Definitions:
    """Return the sensors and schedules the pipeline's spec asks for, and those that alert and compact."""
    asked = [trigger.build(pipeline) for trigger in (drift, volume)]
    by_clock = schedule.build(pipeline)
    starting = dg.Definitions(
        sensors=[*(sensor for sensor in asked if sensor is not None), alerts.build(pipeline)],
        schedules=[by_clock] if by_clock is not None else [],
    )
    return dg.Definitions.merge(starting, optimize.build(pipeline))
