"""Trigger: the clock. A safety net between the others; a run with nothing new changes nothing."""

import dagster as dg

from mlplatform.spec import Pipeline
from mlplatform.triggers import decide
from resources import max_runtime
from resources.run_tags import BECAUSE, EVIDENCE, TRIGGER
from sensors.request import targets


def build(pipeline: Pipeline) -> dg.ScheduleDefinition | None:
    """Return the pipeline's schedule, if its spec has one."""
    policy = pipeline.spec.triggers.schedule
    if policy is None:
        return None

    @dg.schedule(
        name=f"{pipeline.name}_schedule",
        cron_schedule=policy.cron,
        execution_timezone=policy.timezone,
        target=targets(pipeline),
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description=f"Walks {pipeline.name} at {policy.cron!r} ({policy.timezone}).",
    )
    def by_the_clock(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
        decision = decide.schedule(context.scheduled_execution_time, policy)
        tags = {TRIGGER: "schedule", EVIDENCE: decision.evidence_key}
        tags |= {BECAUSE: decision.because, **max_runtime.tags(pipeline)}
        return dg.RunRequest(run_key=decision.evidence_key, tags=tags)

    return by_the_clock
