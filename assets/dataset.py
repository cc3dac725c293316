"""Data: `source` becomes `dataset`: every row with an identity, of upserted rows the newest."""

import dagster as dg

from assets.nouns import asset_of
from assets.publish import Made, publish
from mlplatform.ingest.dataset import rows
from mlplatform.lake import Version
from mlplatform.spec import Pipeline
from resources import LakeResource


def build(pipeline: Pipeline) -> dg.AssetsDefinition:
    """Return the pipeline's `dataset` asset."""

    @asset_of(pipeline, "dataset", "source")
    def dataset(
        context: dg.AssetExecutionContext, lake: LakeResource, source: Version
    ) -> dg.MaterializeResult[Version]:
        def make() -> Made:
            reader = rows(pipeline, lake.open(), source)
            columns = [dg.TableColumn(field.name, str(field.type)) for field in reader.schema]
            return Made(reader, shown={"dagster/column_schema": dg.TableSchema(columns)})

        return publish(context, lake.open(), pipeline, "dataset", [source], make)

    return dataset
