"""Data: what the source has becomes `source`, each file, batch or version once."""

import dagster as dg

from assets.nouns import asset_of
from assets.publish import lineage, materialised
from mlplatform.ingest.source import land
from mlplatform.lake import Lake, Version
from mlplatform.spec import Pipeline
from resources import AccessResource, LakeResource, TfdvResource


def build(pipeline: Pipeline, *, profiled: bool = True) -> dg.AssetsDefinition:
    """Return the pipeline's `source` asset, or that of one of its event tables, which is not `profiled`."""

    @asset_of(pipeline, "source")
    def source(
        context: dg.AssetExecutionContext,
        lake: LakeResource,
        tfdv: TfdvResource,
        access: AccessResource,
    ) -> dg.MaterializeResult[Version]:
        before = lake.open().table(pipeline.table("source")).latest()
        if profiled and not _is_in_dataset(lake.open(), pipeline, before):
            tfdv.start()  # Its 10 s of imports are hidden behind landing and typing.
        who = lineage(context, pipeline, "source", [])
        version = land(pipeline, lake.open(), who, access.for_spec(pipeline.spec))
        reused = before is not None and before.number == version.number
        return materialised(context, lake.open(), version, {}, reused=reused)

    return source


def _is_in_dataset(lake: Lake, pipeline: Pipeline, source: Version | None) -> bool:
    dataset = lake.table(pipeline.table("dataset")).latest()
    if source is None or dataset is None:
        return False
    return source.reference in dataset.lineage.inputs.values()
