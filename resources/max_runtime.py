"""The outer net under a training's budget: Dagster ends a run that lasts far longer than it could.

The budget itself is held by the trainer, which stops with its best model. A trainer that hangs
stops nothing; then Dagster's run monitoring ends the run, by this tag. It watches runs that a job,
sensor or schedule launched while Dagster's daemon runs.
"""

from mlplatform.spec import Pipeline

TAG = "dagster/max_runtime"  # Seconds; only a tag of the run counts, not one of an asset.
TRAININGS = (
    3  # Study and model may each use it up; the rest is for what the trainer cannot interrupt.
)
REST_SECONDS = 3600  # Landing, features, evaluation and gates took minutes on every table measured.


def tags(pipeline: Pipeline) -> dict[str, str]:
    """Return the tags of every run of the pipeline; none where its budget has no `wall_seconds`."""
    wall = pipeline.spec.budget.wall_seconds
    return {} if wall is None else {TAG: str(round(TRAININGS * wall) + REST_SECONDS)}
