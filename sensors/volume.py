"""Trigger: enough new rows since the live model's data, counted in the log's tail without opening the table."""

import dagster as dg

from mlplatform.lake import Lake
from mlplatform.provenance.ancestry import number
from mlplatform.registry.record import RegisteredModel, records
from mlplatform.spec import Pipeline
from mlplatform.triggers import decide
from mlplatform.triggers.decide import VolumeSeen
from sensors.request import watching

SECONDS_BETWEEN_LOOKS = 30


def build(pipeline: Pipeline) -> dg.SensorDefinition | None:
    """Return the pipeline's volume sensor, unless its spec turns it off."""
    policy = pipeline.spec.triggers.volume
    if policy is None:
        return None

    return watching(
        pipeline,
        "volume",
        f"Walks {pipeline.name} when {policy.min_rows:,} rows landed since the newest model.",
        SECONDS_BETWEEN_LOOKS,
        lambda lake: decide.volume(observed(lake, pipeline), policy),
    )


def observed(lake: Lake, pipeline: Pipeline) -> VolumeSeen:
    """Return how many rows landed since the data of the newest registered model."""
    newest = newest_model(lake, pipeline)
    source = lake.table(pipeline.table("source"))
    reference = newest.data_versions.get(source.name, "") if newest else ""
    return VolumeSeen(
        rows_added=source.rows_added_since(number(reference)) if reference else None,
        live_model=newest.model_digest if newest else "",
        live_data=reference,
    )


def newest_model(lake: Lake, pipeline: Pipeline) -> RegisteredModel | None:
    """Return the newest registered model: the one that has seen the newest data."""
    known = records(lake.table(pipeline.table("registered_model")))
    return known[-1] if known else None
