"""Release: a registered model takes traffic: all of it if it is the first, else a canary's share."""

from datetime import UTC, datetime

import dagster as dg
from pydantic import Field

from assets.gates import overridden
from assets.nouns import asset_of
from assets.publish import lineage, materialised, newest
from mlplatform.errors import GateRefusedError
from mlplatform.judging.second_lock import require_released, require_rival
from mlplatform.lake import Lake, Version
from mlplatform.registry import overrides
from mlplatform.registry.record import by_digest, records
from mlplatform.rollout import Event, Model, TrafficState
from mlplatform.rollout.events import commit
from mlplatform.rollout.index import bring_up_to_date
from mlplatform.rollout.plan import deploy
from mlplatform.spec import Pipeline
from resources import LakeResource, MlflowResource


class DeploymentConfig(dg.Config):
    """What an operator may turn in the launchpad."""

    canary_percent: float | None = Field(
        default=None, ge=0, le=100, description="Traffic of a new version; the spec's if left out."
    )
    again: bool = Field(default=False, description="Deploy a model that was rolled back before.")


def build(pipeline: Pipeline) -> dg.AssetsDefinition:
    """Return the pipeline's `deployment` asset."""

    @asset_of(pipeline, "deployment", "registered_model", "gate_verdict", "evaluation", "model")
    def deployment(
        context: dg.AssetExecutionContext,
        config: DeploymentConfig,
        lake: LakeResource,
        mlflow: MlflowResource,
        registered_model: Version,
        gate_verdict: Version,
        evaluation: Version,
        model: Version,
    ) -> dg.MaterializeResult[Version]:
        store = lake.open()
        # A blocking check stops only the run it is in; a run of this asset alone must ask again.
        require_released(store, pipeline, model, evaluation, gate_verdict)
        chosen = _registered(store, registered_model, model.lineage.facts["artifact"])
        percent = config.canary_percent
        percent = pipeline.spec.rollout.canary_percent if percent is None else percent
        reason = context.run.tags.get("mlplatform/trigger", "materialised")

        def decide(traffic: TrafficState) -> Event | None:
            by, at = f"run {context.run.run_id}", datetime.now(UTC)
            event = deploy(
                traffic, chosen, percent, by=by, reason=reason, at=at, again=config.again
            )
            if event is not None:
                require_rival(traffic, chosen.digest, evaluation)
            return event

        table = store.table(pipeline.table("deployment"))
        who = lineage(context, pipeline, "deployment", [registered_model, gate_verdict, model])
        event, traffic = commit(table, decide, who)
        bring_up_to_date(store, pipeline.name, mlflow.reachable_uri(), context.run.run_id)
        shown = {**_shown(traffic), **_overridden(store, pipeline, traffic)}
        return materialised(context, store, newest(table), shown, reused=event is None)

    return deployment


def _registered(store: Lake, registered_model: Version, digest: str) -> Model:
    record = by_digest(records(store.table(registered_model.table)), digest)
    if record is None:
        raise GateRefusedError(
            f"model {digest[:12]} is not registered; materialise registered_model first"
        )
    return Model(version=record.model_version, digest=digest)


def _shown(traffic: TrafficState) -> dict[str, object]:
    champion, canary = traffic.champion, traffic.canary
    return {
        "champion": f"version {champion.version}" if champion else "none",
        "canary": f"version {canary.version}" if canary else "none",
        "canary_percent": traffic.canary_percent,
    }


def _overridden(store: Lake, pipeline: Pipeline, traffic: TrafficState) -> dict[str, object]:
    """Return which live model got past a gate because a person let it."""
    arms = {"champion": traffic.champion, "canary": traffic.canary}
    said = {
        f"{arm}_overrides": overrides.passed_by(
            store, pipeline.name, model.digest, datetime.now(UTC)
        )
        for arm, model in arms.items()
        if model is not None
    }
    return {name: overridden(entries) for name, entries in said.items() if entries}
