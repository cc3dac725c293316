"""Training: `features` becomes `model`: one exported program, its weights, and how it was fitted."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import dagster as dg
import pyarrow as pa

from assets import launched, permit
from assets.nouns import asset_of
from assets.publish import Made, features_code, materialised, publish, recipe
from assets.training import around, forget, told, watched
from mlplatform.lake import Lake, Version
from mlplatform.provenance.making import SCAN_FACT, SPENT_FACT, chosen, left, made, scan_of
from mlplatform.spec import Pipeline
from mlplatform.spec.families import Blend, Custom
from resources import ROOT, ComputeResource, LakeResource, MlflowResource

if TYPE_CHECKING:
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
                done = _trained(store, pipeline, read, near, run)
            origin = {**_origin(context, store, pipeline, compute), "mlflow_run": run.identity}
            return replace(done, facts={**done.facts, **origin})

        if (kept := _exported_anew(store, pipeline, inputs)) is not None:
            return materialised(context, store, kept, {}, reused=True)
        budget = pipeline.spec.budget.model_dump_json()
        done = publish(context, store, pipeline, "model", inputs, make, **decides, budget=budget)
        forget(store, compute, identity, done)
        return done

    return model


def _exported_anew(store: Lake, pipeline: Pipeline, inputs: list[Version]) -> Version | None:
    """Return the version that stands for this training, if today's JAX exported it anew: nothing is fitted then."""
    from mlplatform.provenance import pipeline_code
    from mlplatform.registry.recertify import heir

    code = pipeline_code.put(pipeline, ROOT, store.artifacts)
    read = {version.table: version.reference for version in inputs}
    return heir(store, pipeline.table("model"), read, code)


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

    model, scan = chosen(pipeline, read.get("study")), scan_of(lake, pipeline, read["dataset"])
    told_of = partial(run.params, model.model_dump())
    done = made(pipeline, lake, read, near, scan, on_rows=told_of)
    trained, digest = done.trained, lake.artifacts.put(done.files)
    beside = {f"baseline_{name}": value for name, value in (baseline(done.data) or {}).items()}
    row = {**trained.summary(), **beside}
    log_to(run, trained, row, digest)
    settings = {"model_digest": digest, "hyperparameters": trained.model.model_dump_json()}
    spent = json.dumps(dict(trained.fitted.spent))
    table = pa.Table.from_pylist([{**settings, **row}])
    facts = {"artifact": digest, SPENT_FACT: spent, SCAN_FACT: scan}
    return Made(table, facts, shown=told(trained, row))


def _origin(
    context: dg.AssetExecutionContext, lake: Lake, pipeline: Pipeline, compute: ComputeResource
) -> dict[str, str]:
    """Return the facts that say where a model came from: libraries, machine, a team's code, who asked.

    They decide nothing: a model is not made again because a library beside it was.
    """
    import jax

    from mlplatform.provenance import pipeline_code, surroundings

    autotuned = compute.autotuned() if jax.default_backend() == "gpu" else None
    around = surroundings.seen(ROOT, jax.default_backend(), autotuned=autotuned is not None)
    files = {surroundings.FILE: surroundings.to_bytes(around)}
    files |= {surroundings.AUTOTUNE: autotuned} if autotuned is not None else {}
    return {
        **_libraries(lake),
        surroundings.FACT: lake.artifacts.put(files),
        pipeline_code.FACT: pipeline_code.put(pipeline, ROOT, lake.artifacts),
        **launched.facts(context),
    }


def _libraries(lake: Lake) -> dict[str, str]:
    """Return the facts that name the installed libraries; their list stands beside the tables."""
    from mlplatform.provenance import environment as of

    lines = of.installed()
    stored = lake.artifacts.put({of.FILE: of.text(lines)})
    return {of.FACT: of.digest(lines), of.LIST_FACT: stored}


def log_to(run: "RunLog", trained: "Trained", row: Mapping[str, Any], digest: str) -> None:
    """Log what a training came to; its epochs were told while it went on."""
    run.metrics({name: value for name, value in row.items() if isinstance(value, int | float)})
    run.tags({"mlplatform.model_digest": digest, "mlplatform.stopped_by": row["stopped_by"]})
    run.artifact("notes.txt", "\n".join(trained.fitted.notes).encode())
