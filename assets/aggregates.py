"""Features: events become `aggregates`: what they added up to, from each instant at which that changed."""

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

import dagster as dg

from assets import permit
from assets.nouns import asset_of
from assets.publish import Made, features_code, publish
from mlplatform.errors import PlatformError
from mlplatform.lake import Lake, Version
from mlplatform.rollout.events import traffic
from mlplatform.spec import Pipeline
from resources import LakeResource

if TYPE_CHECKING:
    from mlplatform.features import Aggregate


def build(pipeline: Pipeline) -> dg.AssetsDefinition:
    """Return the pipeline's `aggregates` asset: for one that declares event tables."""
    declared = pipeline.spec.events
    landed = [name for name, events in declared.items() if events.source is not None]
    own = ["dataset"] if len(landed) < len(declared) else []

    @asset_of(pipeline, "aggregates", *own, events=landed)
    def aggregates(
        context: dg.AssetExecutionContext, lake: LakeResource, **read: Version
    ) -> dg.MaterializeResult[Version]:
        store = lake.open()
        _require(store, pipeline, read)
        wanted = _wanted(store, pipeline)
        keys = json.dumps([one.key for one in wanted])

        def make() -> Made:
            from mlplatform.features import aggregates

            versions = {name: read.get(name) or read["dataset"] for name in declared}
            rows = aggregates.build(pipeline, wanted, store, versions, context.log.warning)
            return Made(rows, {aggregates.FACT: keys})

        inputs = [read[name] for name in sorted(read)]
        return publish(
            context, store, pipeline, "aggregates", inputs, make,
            features=features_code(pipeline), keys=keys,
        )  # fmt: skip

    return aggregates


def _require(store: Lake, pipeline: Pipeline, read: dict[str, Version]) -> None:
    """Let nothing be counted over rows that their gates have not passed."""
    for name, version in read.items():
        if name == "dataset":
            permit.require(store, pipeline, dataset=version)
        else:
            permit.require(store, pipeline.landed_as(name), source=version)


def _wanted(store: Lake, pipeline: Pipeline) -> "Sequence[Aggregate]":
    """Return the aggregates of the features as they are now, and of the models that take traffic."""
    from mlplatform.features import Encoder
    from mlplatform.features.aggregates import problem
    from mlplatform.features.load import load_feature_set

    wanted = {one.key: one for one in load_feature_set(pipeline).aggregates}
    now = traffic(store.table(pipeline.table("deployment")))
    for model in (now.champion, now.canary, now.previous):
        if model is None:
            continue
        try:
            content = store.artifacts.open(model.digest).read("features.json")
            encoder = Encoder.from_json(content)
        except PlatformError as lost:
            dg.get_dagster_logger().warning("aggregates of model %s: %s", model.version, lost)
            continue
        for one in encoder.aggregates:
            if problem(pipeline.spec, one) is None:
                wanted.setdefault(one.key, one)
    return [wanted[key] for key in sorted(wanted)]
