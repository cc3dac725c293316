"""Upkeep by the clock: tables of many small files are compacted. Nothing that was made changes by it."""

import dagster as dg

from mlplatform.spec import Pipeline
from resources import LakeResource
from resources.mistakes import said_in_one_line


def build(pipeline: Pipeline) -> dg.Definitions:
    """Return the job that compacts the pipeline's tables, and its schedule if its spec has one."""
    job, policy = compacting(pipeline), pipeline.spec.retention.optimize
    if policy is None:
        return dg.Definitions(jobs=[job])
    by_the_clock = dg.ScheduleDefinition(
        name=f"{pipeline.name}_optimize_schedule",
        job=job,
        cron_schedule=policy.cron,
        execution_timezone=policy.timezone,
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description=f"Compacts tables of {pipeline.name} at {policy.cron!r} ({policy.timezone}).",
    )
    return dg.Definitions(jobs=[job], schedules=[by_the_clock])


def compacting(pipeline: Pipeline) -> dg.JobDefinition:
    """Return the job that compacts the pipeline's tables, one after the other, in one process."""

    @dg.op(name=f"{pipeline.name}_optimize_tables")
    def tables(context: dg.OpExecutionContext, lake: LakeResource) -> None:
        from mlplatform.provenance.upkeep import optimize

        with said_in_one_line():
            store = lake.open()
            mine = [name for name in store.tables() if name.startswith(f"{pipeline.name}/")]
            for done in optimize(store, mine, f"run {context.run_id}"):
                said = done.because or f"{done.files[0]} files are {done.files[1]}"
                context.log.info("%s: %s", done.table, said)

    @dg.job(
        name=f"{pipeline.name}_optimize",
        description=f"Puts many small files of {pipeline.name}'s tables into one each.",
        executor_def=dg.in_process_executor,
    )
    def compact() -> None:
        tables()

    return compact
