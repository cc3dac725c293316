"""Features: `dataset` and `split` become `features`, by state fitted on training rows."""

import dagster as dg

from assets import permit
from assets.nouns import asset_of
from assets.publish import Made, features_code, publish
from mlplatform.lake import Version
from mlplatform.spec import Pipeline
from resources import ComputeResource, LakeResource


def build(pipeline: Pipeline) -> dg.AssetsDefinition:
    """Return the pipeline's `features` asset."""

    @asset_of(pipeline, "features", "dataset", "split")
    def features(
        context: dg.AssetExecutionContext,
        lake: LakeResource,
        compute: ComputeResource,
        dataset: Version,
        split: Version,
    ) -> dg.MaterializeResult[Version]:
        permit.require(lake.open(), pipeline, dataset=dataset, split=split)

        def make() -> Made:
            from mlplatform.features.table import fit_and_build

            compute.prepare()
            store = lake.open()
            rows, parts = (store.table(v.table).read(v) for v in (dataset, split))
            encoder, vectors = fit_and_build(pipeline, rows, parts)
            state = store.artifacts.put({"features.json": encoder.to_json()})
            return Made(vectors, {"state": state}, shown={"columns": vectors.num_columns})

        return publish(
            context, lake.open(), pipeline, "features", [dataset, split], make,
            features=features_code(pipeline),
        )  # fmt: skip

    return features
