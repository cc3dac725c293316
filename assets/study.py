"""Training: `features` becomes `study`: trials of hyper-parameters, on training and validation rows."""

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING

import dagster as dg

from assets.model import GPU, how
from assets.nouns import NOUNS, asset_of
from assets.publish import Made, features_code, publish
from assets.training import joins, watched
from assets.trials import Trials
from mlplatform.lake import Lake, Version
from mlplatform.provenance.code import rooms_digest
from mlplatform.provenance.making import encoder_of
from mlplatform.spec import Pipeline
from resources import ComputeResource, LakeResource, MlflowResource

if TYPE_CHECKING:
    from mlplatform.registry.tracking import RunLog
    from mlplatform.tune.around import Surroundings
    from mlplatform.tune.study import Study


def build(pipeline: Pipeline) -> dg.AssetsDefinition:
    """Return the pipeline's `study` asset."""
    op_tags = {"dagster-k8s/config": GPU} if pipeline.spec.model.gpu else None

    @asset_of(pipeline, "study", "features", op_tags=op_tags)
    def study(
        context: dg.AssetExecutionContext,
        lake: LakeResource,
        compute: ComputeResource,
        mlflow: MlflowResource,
        features: Version,
    ) -> dg.MaterializeResult[Version]:
        store = lake.open()
        decides = {"features": features_code(pipeline), "how": how(pipeline, None)}
        identity = _identity(features, decides)

        def make() -> Made:
            from mlplatform.tune.ready import load
            from mlplatform.tune.study import search

            compute.prepare(context.log.warning, joins=joins(context, pipeline, compute))
            data = load(pipeline, store, features, encoder_of(store, features))
            with mlflow.tracked(pipeline, "study") as run, watched(run):
                run.inputs([(features.table, features.reference)])
                trials = Trials(run, context.log.info)
                near = _around(context, pipeline, compute, run, identity, trials)
                found = search(pipeline, data, near)
                trials.rest(found)
                return _made(store, pipeline, found, run)

        budget = pipeline.spec.budget.model_dump_json()
        return publish(
            context, store, pipeline, "study", [features], make, **decides, budget=budget
        )

    return study


def _identity(features: Version, decides: dict[str, str]) -> str:
    """Return a digest of what decides a trial beside the spec: more trials go on with the same study."""
    code = rooms_digest(NOUNS["study"].rooms)
    said = json.dumps([features.digest, code, decides], sort_keys=True)
    return hashlib.sha256(said.encode()).hexdigest()


def _around(
    context: dg.AssetExecutionContext,
    pipeline: Pipeline,
    compute: ComputeResource,
    run: "RunLog",
    identity: str,
    trials: Trials,
) -> "Surroundings":
    """Return the surroundings of a study."""
    from mlplatform.tune.around import Surroundings

    run.params(
        {"model": pipeline.spec.model.model_dump(), "tuning": pipeline.spec.tuning.model_dump()}
    )
    return Surroundings(
        folder=Path(compute.studies) if compute.studies else None,
        identity=identity,
        secret=compute.storage,
        on_trial=trials,
        on_note=context.log.warning,
    )


def _made(store: Lake, pipeline: Pipeline, found: "Study", run: "RunLog") -> Made:
    """Return the trials, the winner's settings, and what is shown of them."""
    from mlplatform.evaluate import study_page, study_pictures
    from mlplatform.evaluate.study_axes import StudyShown

    best = found.best.model_dump_json()
    shown = StudyShown(
        pipeline=pipeline.name, metric=found.metric, direction=found.direction,
        rows=found.trials.to_pylist(), fields=found.searched, best_trial=found.best_trial,
        best=found.best.model_dump(mode="json"), importances=found.importances, notes=found.notes,
        stopped_by=found.stopped_by,
    )  # fmt: skip
    files = {"study.html": study_page.render(shown).encode(), "best.json": best.encode()}
    report = store.artifacts.put(files)
    run.metrics({f"best_{n}": v for n, v in shown.best_metrics().items()})
    for name, content in files.items():
        run.artifact(name, content)
    told = {
        "best": dg.MetadataValue.json(dict(shown.best)),
        "best_trial": found.best_trial,
        **{f"best/{name}": value for name, value in shown.best_metrics().items()},
        "history": dg.MetadataValue.md(study_pictures.history(shown)),
        "importances": dg.MetadataValue.md(study_pictures.importances(shown)),
        "settings": dg.MetadataValue.md(study_pictures.parallel(shown)),
        "page": dg.MetadataValue.path(f"{store.artifacts.open(report).uri}/study.html"),
        "notes": dg.MetadataValue.md("\n".join(f"- {n}" for n in found.notes) or "none"),
        "stopped_by": found.stopped_by or "nothing",
    }
    facts = {"best": best, "report": report, "spent": json.dumps(found.spent)}
    facts["stopped_by"] = found.stopped_by
    return Made(found.trials, facts, told)
