"""Data: what the source has becomes `source`, each file, batch or version once."""

import dagster as dg

from assets.nouns import asset_of
from assets.publish import lineage, materialised
from mlplatform.ingest.source import land
from mlplatform.lake import Version
from mlplatform.spec import Pipeline
from resources import AccessResource, LakeResource, TfdvResource


def build(pipeline: Pipeline) -> dg.AssetsDefinition:
    """Return the pipeline's `source` asset."""

    @asset_of(pipeline, "source")
    def source(
        context: dg.AssetExecutionContext,
        lake: LakeResource,
        tfdv: TfdvResource,
        access: AccessResource,
    ) -> dg.MaterializeResult[Version]:
        table = lake.open().table(pipeline.table("source"))
        dataset = lake.open().table(pipeline.table("dataset")).latest()
        before = table.latest()
        if (
            before is None
            or dataset is None
            or before.reference not in dataset.lineage.inputs.values()
        ):
            tfdv.start()  # Its 10 s of imports are hidden behind landing and typing.
        who = lineage(context, pipeline, "source", [])
        version = land(pipeline, lake.open(), who, access.for_spec(pipeline.spec))
        reused = before is not None and before.number == version.number
        return materialised(context, lake.open(), version, {}, reused=reused)

    return source
