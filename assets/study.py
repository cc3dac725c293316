"""Training: `features` becomes `study`: trials of hyper-parameters, on training and validation rows."""

from typing import TYPE_CHECKING

import dagster as dg

from assets.model import seen_in_training
from assets.nouns import asset_of
from assets.publish import Made, features_code, publish
from mlplatform.lake import Version
from mlplatform.spec import Pipeline
from resources import ComputeResource, LakeResource

if TYPE_CHECKING:
    from mlplatform.train.fit import Trained


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

            def said(number: int, trained: "Trained") -> None:
                loss = trained.validation["log_loss"]
                context.log.info("trial %d: validation log loss %.4f nats", number, loss)

            found = search(pipeline, rows, encoder, on_trial=said)
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
