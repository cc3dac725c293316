"""Training: `features` becomes `study`: trials of hyper-parameters, on training and validation rows."""

import dagster as dg

from assets.model import seen_in_training
from assets.nouns import asset_of
from assets.publish import Made, features_code, publish
from mlplatform.lake import Version
from mlplatform.spec import Pipeline
from resources import ComputeResource, LakeResource


def build(pipeline: Pipeline) -> dg.AssetsDefinition:
    """Return the pipeline's `study` asset."""

    @asset_of(pipeline, "study", "features")
    def study(
        context: dg.AssetExecutionContext,
        lake: LakeResource,
        compute: ComputeResource,
        features: Version,
    ) -> dg.MaterializeResult[Version]:
        def make() -> Made:
            from mlplatform.tune.study import search

            compute.prepare()
            rows, encoder = seen_in_training(lake.open(), features)
            found = search(pipeline, rows, encoder)
            best = found.best.model_dump_json()
            return Made(
                found.trials,
                facts={"best": best},
                shown={"best": dg.MetadataValue.json(found.best.model_dump())},
            )

        return publish(
            context,
            lake.open(),
            pipeline,
            "study",
            [features],
            make,
            features=features_code(pipeline),
        )

    return study
