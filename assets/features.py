"""Features: `dataset` and `split` become `features`, by state fitted on training rows."""

import dagster as dg

from assets.nouns import asset_of
from assets.publish import Made, features_code, publish
from mlplatform.lake import Version
from mlplatform.spec import Pipeline
from resources import LakeResource


def build(pipeline: Pipeline) -> dg.AssetsDefinition:
    """Return the pipeline's `features` asset."""

    @asset_of(pipeline, "features", "dataset", "split")
    def features(
        context: dg.AssetExecutionContext, lake: LakeResource, dataset: Version, split: Version
    ) -> dg.MaterializeResult[Version]:
        def make() -> Made:
            from mlplatform.features.load import load_feature_set
            from mlplatform.features.table import build as vectors_of
            from mlplatform.features.table import training_rows

            store = lake.open()
            rows, parts = (store.table(v.table).read(v) for v in (dataset, split))
            encoder = load_feature_set(pipeline).fit(training_rows(rows, parts))
            state = store.artifacts.put({"features.json": encoder.to_json()})
            vectors = vectors_of(pipeline, encoder, rows, parts)
            return Made(vectors, {"state": state}, shown={"columns": vectors.num_columns})

        return publish(
            context, lake.open(), pipeline, "features", [dataset, split], make,
            features=features_code(pipeline),
        )  # fmt: skip

    return features
