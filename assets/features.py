"""Features: `dataset` and `split` become `features`, by state fitted on training rows."""

import dagster as dg

from assets.mistakes import in_one_line
from assets.publish import Made, described, features_code, publish, reads
from mlplatform.lake import Version
from mlplatform.spec import Pipeline
from resources import LakeResource


def build(pipeline: Pipeline) -> dg.AssetsDefinition:
    """Return the pipeline's `features` asset."""

    @dg.asset(**described(pipeline, "features"), ins=reads(pipeline, "dataset", "split"))
    @in_one_line
    def features(
        context: dg.AssetExecutionContext, lake: LakeResource, dataset: Version, split: Version
    ) -> dg.MaterializeResult[Version]:
        def make() -> Made:
            from mlplatform.features.table import fit_and_build

            store = lake.open()
            encoder, rows = fit_and_build(
                pipeline,
                store.table(dataset.table).read(dataset),
                store.table(split.table).read(split),
            )
            state = store.artifacts.put({"features.json": encoder.to_json()})
            return Made(rows, facts={"state": state}, shown={"columns": rows.num_columns})

        return publish(
            context, lake.open(), pipeline, "features", [dataset, split], make,
            features=features_code(pipeline),
        )  # fmt: skip

    return features
