"""Training: `features` becomes `model`: one exported program, its weights, and how it was fitted."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import dagster as dg
import pyarrow as pa

from assets import permit
from assets.nouns import asset_of
from assets.publish import Made, features_code, publish, recipe
from assets.training import around, forget, told, watched
from mlplatform.lake import Lake, Version
from mlplatform.spec import Pipeline
from mlplatform.spec.budget import Budget
from mlplatform.spec.families import MODEL, AnyModel, Blend, Custom
from resources import ComputeResource, LakeResource, MlflowResource

if TYPE_CHECKING:
    from mlplatform.features.encoder import Encoder
    from mlplatform.registry.tracking import RunLog
    from mlplatform.train.around import Around
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
        store = lake.open()
        judged = {noun: read[noun] for noun in ("dataset", "split", "features")}
        permit.require(store, pipeline, **judged)
        inputs = [read[noun] for noun in sorted(read)]
        decides = {"features": features_code(pipeline), "how": how(pipeline, read.get("study"))}
        identity = recipe(pipeline, "model", inputs, **decides)

        def make() -> Made:
            compute.prepare(context.log.warning, joins=True)
            with mlflow.tracked(pipeline, "model") as run, watched(run):
                run.inputs((version.table, version.reference) for version in read.values())
                near = around(context, pipeline, compute, run, identity)
                near = replace(near, budget=left(pipeline, read.get("study")))
                made = _trained(store, pipeline, read, near, run)
            return replace(made, facts={**made.facts, "mlflow_run": run.identity})

        budget = pipeline.spec.budget.model_dump_json()
        done = publish(context, store, pipeline, "model", inputs, make, **decides, budget=budget)
        forget(store, compute, identity, done)
        return done

    return model


def encoder_of(lake: Lake, features: Version) -> "Encoder":
    """Return the fitted features that made a version of the table."""
    from mlplatform.features.encoder import Encoder

    state = lake.artifacts.open(features.lineage.facts["state"])
    return Encoder.from_json(state.read("features.json"))


def chosen(pipeline: Pipeline, study: Version | None) -> AnyModel:
    """Return how to train: as the spec says, or as the study found best."""
    if study is None:
        return pipeline.spec.model
    return MODEL.validate_json(study.lineage.facts["best"])


def left(pipeline: Pipeline, study: Version | None) -> Budget:
    """Return what a training may use: the spec's budget, less what its study has used of it."""
    from mlplatform.train.budget import less

    if study is None:
        return pipeline.spec.budget
    return less(pipeline.spec.budget, json.loads(study.lineage.facts["spent"]))


def how(pipeline: Pipeline, study: Version | None) -> str:
    """Return what decides a training beside its rows: settings, and the files of a team's own networks."""
    model = chosen(pipeline, study)
    members = model.members.values() if isinstance(model, Blend) else [model]
    files = [member.file for member in members if isinstance(member, Custom)]
    paths = [path for file in files if (path := pipeline.folder / file).is_file()]
    code = [hashlib.sha256(path.read_bytes()).hexdigest() for path in paths]
    return ":".join([model.model_dump_json(exclude={"gpu"}), *code])


def _trained(
    lake: Lake, pipeline: Pipeline, read: Mapping[str, Version], near: "Around", run: "RunLog"
) -> Made:
    from mlplatform.train.baseline import baseline
    from mlplatform.train.distributed import led
    from mlplatform.train.export import export
    from mlplatform.train.fit import fit_data
    from mlplatform.train.load import load

    features, model = read["features"], chosen(pipeline, read.get("study"))
    encoder = encoder_of(lake, features)
    data = load(pipeline, lake, features, encoder, model)
    run.params(model.model_dump())
    with led(pipeline.name, features, model, near):
        trained = fit_data(pipeline, data, model, near)
    state = lake.artifacts.open(features.lineage.facts["state"])
    files = export(trained, encoder, state.read("features.stablehlo"))
    files["reference.json"] = _reference(lake, pipeline, read)
    digest = lake.artifacts.put(files)
    beside = {f"baseline_{name}": value for name, value in (baseline(data) or {}).items()}
    row = {**trained.summary(), **beside}
    log_to(run, trained, row, digest)
    settings = {"model_digest": digest, "hyperparameters": trained.model.model_dump_json()}
    spent = json.dumps(dict(trained.fitted.spent))
    table = pa.Table.from_pylist([{**settings, **row}])
    facts = {"artifact": digest, "spent": spent, **_environment(lake)}
    return Made(table, facts, shown=told(trained, row))


def _environment(lake: Lake) -> dict[str, str]:
    """Return the facts that name the installed libraries; their list stands beside the tables.

    They decide nothing: a model is not made again because a library beside it was.
    """
    from mlplatform.provenance import environment as of

    lines = of.installed()
    stored = lake.artifacts.put({of.FILE: of.text(lines)})
    return {of.FACT: of.digest(lines), of.LIST_FACT: stored}


def log_to(run: "RunLog", trained: "Trained", row: Mapping[str, Any], digest: str) -> None:
    """Log what a training came to; its epochs were told while it went on."""
    run.metrics({name: value for name, value in row.items() if isinstance(value, int | float)})
    run.tags({"mlplatform.model_digest": digest, "mlplatform.stopped_by": row["stopped_by"]})
    run.artifact("notes.txt", "\n".join(trained.fitted.notes).encode())


def _reference(lake: Lake, pipeline: Pipeline, read: Mapping[str, Version]) -> bytes:
    """Return the drift reference: histograms of the feature columns of all rows but the test's.

    The pass that profiled the dataset has counted the raw ones.
    """
    from mlplatform.evaluate.made_from import MadeFrom
    from mlplatform.monitor.reference import from_view, with_aggregates
    from mlplatform.validate.profile import TRAINING, load_scan
    from mlplatform.validate.record import profiles_of

    spec = pipeline.spec
    barred = {spec.label.column, spec.label.weight, *spec.unused, *spec.known_after}
    seen = profiles_of(lake, pipeline, read["dataset"])[0]
    view = load_scan(lake, seen.scan).view(TRAINING)
    raw = from_view(view, [name for name in spec.columns if name not in barred])
    return with_aggregates(raw, MadeFrom(pipeline, lake, read["features"]), read["split"])
