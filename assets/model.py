"""Training: `features` becomes `model`: one exported program, its weights, and how it was fitted."""

from typing import TYPE_CHECKING

import dagster as dg
import pyarrow as pa
import pyarrow.compute as pc

from assets.mistakes import in_one_line
from assets.publish import Made, described, features_code, publish, reads
from mlplatform.lake import Lake, Version
from mlplatform.spec import Pipeline
from mlplatform.spec.model import Model
from resources import ComputeResource, LakeResource, MlflowResource

if TYPE_CHECKING:
    from mlplatform.features import Encoder

# One GPU for the training step; counts only under `k8s_job_executor`.
GPU = {"container_config": {"resources": {"limits": {"nvidia.com/gpu": "1"}}}}


def build(pipeline: Pipeline) -> dg.AssetsDefinition:
    """Return the pipeline's `model` asset."""
    tuned = ["study"] if pipeline.spec.tuning.trials else []

    @dg.asset(
        **described(pipeline, "model"),
        ins=reads(pipeline, "dataset", "split", "features", *tuned),
        op_tags={"dagster-k8s/config": GPU} if pipeline.spec.model.gpu else None,
    )
    @in_one_line
    def model(
        context: dg.AssetExecutionContext,
        lake: LakeResource,
        compute: ComputeResource,
        mlflow: MlflowResource,
        **read: Version,
    ) -> dg.MaterializeResult[Version]:
        def make() -> Made:
            compute.prepare()
            parent = mlflow.parent_run(
                pipeline.name
            )  # First: a training nobody can look up is lost.
            wanted = chosen(pipeline, read.get("study"))
            return _trained(
                context, lake.open(), pipeline, read, wanted, mlflow.tracking_uri, parent
            )

        inputs = [read[noun] for noun in sorted(read)]
        return publish(
            context, lake.open(), pipeline, "model", inputs, make, features=features_code(pipeline)
        )

    return model


def seen_in_training(lake: Lake, features: Version) -> "tuple[pa.Table, Encoder]":
    """Return the training and validation rows of a features version, never the test rows, and its encoder."""
    from mlplatform.features import Encoder

    rows = lake.table(features.table).read(features, where=pc.field("part") != "test")
    state = lake.artifacts.open(features.lineage.facts["state"])
    return rows, Encoder.from_json(state.read("features.json"))


def chosen(pipeline: Pipeline, study: Version | None) -> Model:
    """Return how to train: as the spec says, or as the study found best."""
    if study is None:
        return pipeline.spec.model
    return Model.model_validate_json(study.lineage.facts["best"])


def _trained(
    context: dg.AssetExecutionContext,
    lake: Lake,
    pipeline: Pipeline,
    read: dict[str, Version],
    wanted: Model,
    tracking_uri: str,
    parent: str,
) -> Made:
    from mlplatform.train.export import export
    from mlplatform.train.fit import fit

    from mlplatform.registry.tracking import child_run

    rows, encoder = seen_in_training(lake, read["features"])
    trained = fit(pipeline, rows, encoder, wanted)
    reference = _reference(lake, pipeline, read["dataset"], read["split"])
    digest = lake.artifacts.put({**export(trained, encoder), "reference.json": reference})
    with child_run(tracking_uri, parent, pipeline.table("model")) as run:
        run.params(wanted.model_dump())
        run.history(trained.history)
        run.tags({"mlplatform.model_digest": digest, "dagster.run_id": context.run.run_id})
    summary = trained.summary()
    row = {"model_digest": digest, "hyperparameters": wanted.model_dump_json(), **summary}
    return Made(
        pa.Table.from_pylist([row]), {"artifact": digest, "mlflow_run": run.run_id}, shown=summary
    )


def _reference(lake: Lake, pipeline: Pipeline, dataset: Version, split: Version) -> bytes:
    """Return the drift reference: histograms of the training rows' feature columns."""
    from mlplatform.monitor.reference import cut

    spec = pipeline.spec
    columns = [c for c in spec.columns if c != spec.label.column and c not in spec.unused]
    part = lake.table(split.table).read(split, columns=["part"])["part"]
    rows = lake.table(dataset.table).read(dataset, columns=columns)
    return cut(rows.filter(pc.equal(part, "train")), columns)
