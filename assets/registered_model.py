"""Release: a model with a passing verdict becomes a `registered_model`."""

import math
from datetime import UTC, datetime

import dagster as dg

from assets.gates import overridden
from assets.nouns import asset_of
from assets.publish import lineage, materialised, newest
from mlplatform.judging.second_lock import require_released
from mlplatform.lake import Lake, Version
from mlplatform.provenance.ancestry import ancestors
from mlplatform.provenance.code import require_committed
from mlplatform.provenance.committed import require_all_committed, require_in_commit
from mlplatform.registry.record import Candidate, by_digest, records, register
from mlplatform.rollout.index import bring_up_to_date
from mlplatform.spec import Pipeline
from mlplatform.verdict import Outcome
from resources import ROOT, LakeResource, MlflowResource, settings_from_environment


def build(pipeline: Pipeline) -> dg.AssetsDefinition:
    """Return the pipeline's `registered_model` asset."""

    @asset_of(pipeline, "registered_model", "model", "evaluation", "gate_verdict")
    def registered_model(
        context: dg.AssetExecutionContext,
        lake: LakeResource,
        mlflow: MlflowResource,
        model: Version,
        evaluation: Version,
        gate_verdict: Version,
    ) -> dg.MaterializeResult[Version]:
        store = lake.open()
        candidate = _candidate(store, pipeline, model, evaluation, gate_verdict)
        table = store.table(pipeline.table("registered_model"))
        known = by_digest(records(table), candidate.model_digest)
        if known is None:
            who = lineage(context, pipeline, "registered_model", [model, evaluation, gate_verdict])
            register(store, pipeline.name, candidate, who, datetime.now(UTC))
        lake.sign(candidate.model_digest)
        uri = mlflow.reachable_uri()
        mlflow.send_waiting()  # The index names the run that trained a model only if MLflow has it.
        bring_up_to_date(store, pipeline.name, uri, context.run.run_id)
        shown = {"overrides": overridden(candidate.overrides)} if candidate.overrides else {}
        return materialised(context, store, newest(table), shown, reused=known is not None)

    return registered_model


def _candidate(
    store: Lake, pipeline: Pipeline, model: Version, evaluation: Version, gate_verdict: Version
) -> Candidate:
    """Return what is registered, if the verdict is a pass about these very bytes."""
    digest = model.lineage.facts["artifact"]
    environment = settings_from_environment().environment
    require_committed(model.lineage.code_version, environment)
    require_all_committed(store, environment, model, evaluation, gate_verdict)
    require_in_commit(store, model, environment, ROOT)
    verdict = require_released(store, pipeline, model, evaluation, gate_verdict)
    metrics = store.table(evaluation.table).read(evaluation).to_pylist()
    mine = [m for m in metrics if not m["group"] and m["model"] == digest]
    overall = {m["metric"]: m["observed"] for m in mine if math.isfinite(m["observed"] or 0)}
    return Candidate(
        model_digest=digest,
        metrics=overall,
        verdict=Outcome(verdict["outcome"]),
        verdict_digests={"policy": verdict["policy_hash"], "gate_verdict": gate_verdict.digest},
        code_version=model.lineage.code_version,
        data_versions=ancestors(store, gate_verdict, evaluation, model),
        mlflow_run=model.lineage.facts.get("mlflow_run", ""),
        overrides=verdict["overrides"],
    )
