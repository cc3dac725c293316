"""A decision becomes a run request or a reason to skip; one run per piece of evidence, retried a few times."""

from collections.abc import Callable, Mapping

import dagster as dg

from mlplatform.lake import Lake
from mlplatform.spec import Pipeline
from mlplatform.triggers.decide import Decision
from resources import LakeResource, max_runtime
from resources.run_tags import BECAUSE, EVIDENCE, TRIGGER

ATTEMPTS = 2  # Dagster remembers a run key for ever, also a failed run's; a gate that refuses twice stays refused.


def targets(pipeline: Pipeline) -> dg.AssetSelection:
    """Return the whole walk of the pipeline: what every trigger asks for."""
    return dg.AssetSelection.key_prefixes(pipeline.name)


def watching(
    pipeline: Pipeline,
    trigger: str,
    description: str,
    seconds: int,
    look: Callable[[Lake], Decision],
) -> dg.SensorDefinition:
    """Return the sensor of a trigger: every `seconds` it looks at the lake, and asks or says why not."""

    @dg.sensor(
        name=f"{pipeline.name}_{trigger}",
        target=targets(pipeline),
        minimum_interval_seconds=seconds,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description=description,
    )
    def sensor(
        context: dg.SensorEvaluationContext, lake: LakeResource
    ) -> dg.RunRequest | dg.SkipReason:
        return asked(context, trigger, look(lake.open()), max_runtime.tags(pipeline))

    return sensor


def asked(
    context: dg.SensorEvaluationContext,
    trigger: str,
    decision: Decision,
    tags: Mapping[str, str],
) -> dg.RunRequest | dg.SkipReason:
    """Return a request for `decision`, or why there is none."""
    if not decision.fire:
        return dg.SkipReason(decision.because)
    evidence = dg.RunsFilter(tags={EVIDENCE: decision.evidence_key})
    earlier = context.instance.get_runs(evidence)
    if any(run.status is not dg.DagsterRunStatus.FAILURE for run in earlier):
        return dg.SkipReason(f"{decision.because}; asked before ({decision.evidence_key})")
    if len(earlier) >= ATTEMPTS:
        return dg.SkipReason(f"{decision.because}; {len(earlier)} runs failed, no more attempts")
    context.log.info("%s: %s", trigger, decision.because)
    return dg.RunRequest(
        run_key=f"{decision.evidence_key}#{len(earlier) + 1}",
        tags={
            **tags,
            TRIGGER: trigger,
            EVIDENCE: decision.evidence_key,
            BECAUSE: decision.because[:255],
        },
    )
