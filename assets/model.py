"""Training: `features` becomes `model`: one exported program, its weights, and how it was fitted."""

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import dagster as dg
import pyarrow as pa
import pyarrow.compute as pc

from assets import permit
from assets.nouns import asset_of
from assets.publish import Made, features_code, publish
from mlplatform.lake import Lake, Version
from mlplatform.spec import Pipeline
from mlplatform.spec.model import Model
from resources import ComputeResource, LakeResource, MlflowResource

if TYPE_CHECKING:
    from mlplatform.features.encoder import Encoder
    from mlplatform.registry.tracking import RunLog
    from mlplatform.train.fit import Trained

# One GPU for the training step; counts only under `k8s_job_executor`.
GPU = {"container_config": {"resources": {"limits": {"nvidia.com/gpu": "1"}}}}


def build(pipeline: Pipeline) -> dg.AssetsDefinition:
    """Return the pipeline's `model` asset."""
    tuned = ["study"] if pipeline.spec.tuning.trials else []
    op_tags = {"dagster-k8s/config": GPU} if pipeline.spec.model.gpu else None

    @asset_of(pipeline, "model", "dataset", "split", "features", *tuned, op_tags=op_tags)
    def model(
        context: dg.AssetExecutionContext,
        lake: LakeResource,
        compute: ComputeResource,
        mlflow: MlflowResource,
        **read: Version,
    ) -> dg.MaterializeResult[Version]:
        judged = {noun: read[noun] for noun in ("dataset", "split", "features")}
        permit.require(lake.open(), pipeline, **judged)

        def make() -> Made:
            compute.prepare()
            with mlflow.tracked(pipeline, "model") as run:
                run.inputs((version.table, version.reference) for version in read.values())
                made, trained = _trained(lake.open(), pipeline, read)
                says = ", ".join(f"{name} {value:.4g}" for name, value in made.shown.items())
                context.log.info("trained: %s", says)
                log_to(run, trained)
                run.tags({"mlplatform.model_digest": made.facts["artifact"]})
            return replace(made, facts={**made.facts, "mlflow_run": run.identity})

        inputs = [read[noun] for noun in sorted(read)]
        how = chosen(pipeline, read.get("study")).model_dump_json(exclude={"gpu"})
        return publish(
            context, lake.open(), pipeline, "model", inputs, make,
            features=features_code(pipeline), how=how,
        )  # fmt: skip

    return model


def seen_in_training(lake: Lake, features: Version) -> "tuple[pa.Table, Encoder]":
    """Return the training and validation rows of a features version, never the test rows, and its encoder."""
    from mlplatform.features.encoder import Encoder

    rows = lake.table(features.table).read(features, where=pc.field("part") != "test")
    state = lake.artifacts.open(features.lineage.facts["state"])
    return rows, Encoder.from_json(state.read("features.json"))


def chosen(pipeline: Pipeline, study: Version | None) -> Model:
    """Return how to train: as the spec says, or as the study found best."""
    if study is None:
        return pipeline.spec.model
    return Model.model_validate_json(study.lineage.facts["best"])


def log_to(run: "RunLog", trained: "Trained") -> None:
    """Log how a model was fitted: what it was asked for, and every epoch."""
    run.params(trained.model.model_dump())
    run.history(trained.history, first_step=1)


def _trained(lake: Lake, pipeline: Pipeline, read: Mapping[str, Version]) -> "tuple[Made, Trained]":
    from mlplatform.train.export import export
    from mlplatform.train.fit import fit

    rows, encoder = seen_in_training(lake, read["features"])
    trained = fit(pipeline, rows, encoder, chosen(pipeline, read.get("study")))
    reference = _reference(lake, pipeline, read)
    state = lake.artifacts.open(read["features"].lineage.facts["state"])
    files = export(trained, encoder, state.read("features.stablehlo"))
    digest = lake.artifacts.put({**files, "reference.json": reference})
    summary = trained.summary()
    row = {"model_digest": digest, "hyperparameters": trained.model.model_dump_json(), **summary}
    return Made(pa.Table.from_pylist([row]), {"artifact": digest}, shown=summary), trained


def _reference(lake: Lake, pipeline: Pipeline, read: Mapping[str, Version]) -> bytes:
    """Return the drift reference: histograms of the feature columns of all rows but the test's.

    The pass that profiled the dataset has counted the raw ones.
    """
    from mlplatform.evaluate.made_from import MadeFrom
    from mlplatform.monitor.reference import from_view, with_aggregates
    from mlplatform.validate.profile import TRAINING, load_scan
    from mlplatform.validate.record import profiles_of

    spec = pipeline.spec
    barred = {spec.label.column, *spec.unused, *spec.known_after}
    seen = profiles_of(lake, pipeline, read["dataset"])[0]
    view = load_scan(lake, seen.scan).view(TRAINING)
    raw = from_view(view, [name for name in spec.columns if name not in barred])
    return with_aggregates(raw, MadeFrom(pipeline, lake, read["features"]), read["split"])
