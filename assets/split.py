"""Data: `dataset` becomes `split`: which rows train, validate and test."""

import dagster as dg
import pyarrow.compute as pc

from assets.nouns import asset_of
from assets.publish import Made, publish
from mlplatform.ingest.split import assign
from mlplatform.lake import Version
from mlplatform.spec import Pipeline
from resources import LakeResource


def build(pipeline: Pipeline) -> dg.AssetsDefinition:
    """Return the pipeline's `split` asset."""

    @asset_of(pipeline, "split", "dataset")
    def split(
        context: dg.AssetExecutionContext, lake: LakeResource, dataset: Version
    ) -> dg.MaterializeResult[Version]:
        def make() -> Made:
            rows = assign(pipeline, lake.open().table(dataset.table).read(dataset))
            counts = pc.value_counts(rows["part"]).to_pylist()
            return Made(rows, shown={f"rows/{c['values']}": c["counts"] for c in counts})

        return publish(context, lake.open(), pipeline, "split", [dataset], make)

    return split
