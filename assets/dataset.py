"""Data: `source` becomes `dataset`, with declared types."""

import dagster as dg

from assets.mistakes import in_one_line
from assets.publish import Made, described, publish, reads
from mlplatform.ingest.dataset import typed
from mlplatform.lake import Version
from mlplatform.spec import Pipeline
from resources import LakeResource


def build(pipeline: Pipeline) -> dg.AssetsDefinition:
    """Return the pipeline's `dataset` asset."""

    @dg.asset(**described(pipeline, "dataset"), ins=reads(pipeline, "source"))
    @in_one_line
    def dataset(
        context: dg.AssetExecutionContext, lake: LakeResource, source: Version
    ) -> dg.MaterializeResult[Version]:
        def make() -> Made:
            rows = typed(pipeline, lake.open().table(source.table).read(source))
            columns = [dg.TableColumn(field.name, str(field.type)) for field in rows.schema]
            return Made(rows, shown={"dagster/column_schema": dg.TableSchema(columns)})

        return publish(context, lake.open(), pipeline, "dataset", [source], make)

    return dataset
