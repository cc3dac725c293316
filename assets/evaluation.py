"""Evaluation: the candidate, and the champion it would replace, on the test rows nothing has read before."""

import math
from collections.abc import Mapping
from typing import Any

import dagster as dg

from assets.nouns import asset_of
from assets.publish import Made, publish
from mlplatform.errors import CorruptionError, MissingArtifactError
from mlplatform.lake import Lake, Version
from mlplatform.rollout import to_replace
from mlplatform.rollout.events import traffic
from mlplatform.spec import Pipeline
from resources import ComputeResource, LakeResource, MlflowResource


def build(pipeline: Pipeline) -> dg.AssetsDefinition:
    """Return the pipeline's `evaluation` asset."""
    looked_up = ["aggregates"] if pipeline.spec.events else []

    @asset_of(pipeline, "evaluation", "model", "dataset", "split", *looked_up)
    def evaluation(
        context: dg.AssetExecutionContext,
        lake: LakeResource,
        compute: ComputeResource,
        mlflow: MlflowResource,
        model: Version,
        dataset: Version,
        split: Version,
        **read: Version,
    ) -> dg.MaterializeResult[Version]:
        store = lake.open()
        candidate = model.lineage.facts["artifact"]
        champion = to_replace(traffic(store.table(pipeline.table("deployment"))), candidate)
        inputs = [model, dataset, split, *read.values()]

        def make() -> Made:
            compute.prepare()
            aggregates = read.get("aggregates")
            made = _assessed(store, pipeline, dataset, split, aggregates, candidate, champion)
            if "unscored" in made.facts:
                context.log.warning(
                    "champion %s cannot be scored, the candidate is judged without it: %s",
                    champion[:12], made.facts["unscored"],
                )  # fmt: skip
            with mlflow.tracked(pipeline, "evaluation") as run:
                run.inputs(((each.table, each.reference) for each in inputs), "testing")
                run.metrics(_finite(made.shown))
                run.tags({"mlplatform.model_digest": candidate})
            return made

        theirs = {"champion": champion, **_files(store, champion)}
        return publish(context, store, pipeline, "evaluation", inputs, make, **theirs)

    return evaluation


def _files(store: Lake, champion: str) -> dict[str, str]:
    """Return what of the champion's files decides the evaluation: one restored is scored again.

    Raises:
        LakeError: If the lake cannot be reached.
    """
    try:
        if champion:
            store.artifacts.open(champion).verify()
    except (CorruptionError, MissingArtifactError):
        return {"champion_files": "not whole"}
    return {}


def _finite(shown: Mapping[str, Any]) -> dict[str, float]:
    return {k: n for k, n in shown.items() if isinstance(n, float) and math.isfinite(n)}


def _assessed(
    store: Lake,
    pipeline: Pipeline,
    dataset: Version,
    split: Version,
    aggregates: Version | None,
    candidate: str,
    champion: str,
) -> Made:
    from mlplatform.evaluate.assessment import SCORES, assess, to_bytes
    from mlplatform.evaluate.looked_up import Stored
    from mlplatform.evaluate.weakest import weakest
    from mlplatform.features.predicts import Predicts
    from mlplatform.ingest.split import TEST, rows_of

    rows = rows_of(TEST, *(store.table(v.table).read(v) for v in (dataset, split)))
    digests = [digest for digest in (candidate, champion) if digest]
    predicts = Predicts.of(pipeline.spec.label)
    models = {digest: Stored(digest, store, aggregates, predicts) for digest in digests}
    assessed = assess(pipeline.spec, rows, models, dispensable={champion})
    facts = {"scores": store.artifacts.put({SCORES: to_bytes(assessed.scores)})}
    if champion in assessed.unscored:
        facts["unscored"] = assessed.unscored[champion]
    mine = [m for m in assessed.metrics.to_pylist() if m["model"] == candidate]
    shown = {f"test/{m['metric']}": m["observed"] for m in mine if m["kind"] == "all"}
    shown["weakest_slices"] = dg.MetadataValue.md(weakest(mine, predicts))
    return Made(assessed.metrics, {**facts, "candidate": candidate, "champion": champion}, shown)
