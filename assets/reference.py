"""Data: the `reference` that new data is compared with: the first version that passed, until another is promoted."""

from typing import Any

import dagster as dg

from assets.nouns import asset_of
from assets.publish import lineage, materialised
from mlplatform.lake import Lake, Version
from mlplatform.spec import Pipeline
from mlplatform.validate.record import profiles_of
from mlplatform.validate.reference import Reference, current, pin_first
from resources import LakeResource

FARTHEST = 5  # Columns shown with their distance.


def build(pipeline: Pipeline) -> dg.AssetsDefinition:
    """Return the pipeline's `reference` asset."""

    @asset_of(pipeline, "reference", "dataset")
    def reference(
        context: dg.AssetExecutionContext, lake: LakeResource, dataset: Version
    ) -> dg.MaterializeResult[Version]:
        store = lake.open()
        before = current(store, pipeline)
        who = lineage(context, pipeline, "reference", [dataset])
        pinned = before or pin_first(store, pipeline, dataset, who)
        shown = _shown(store, pipeline, pinned, dataset)
        return materialised(context, store, pinned.version, shown, reused=before is not None)

    return reference


def _shown(lake: Lake, pipeline: Pipeline, pinned: Reference, dataset: Version) -> dict[str, Any]:
    """Return what is in force, why, and how far the newest dataset lies from it."""
    return {
        "dataset": pinned.dataset,
        "rows": pinned.rows,
        "since": dg.MetadataValue.timestamp(pinned.since),
        "because": pinned.because,
        "by": pinned.by,
        **_distances(lake, pipeline, pinned, dataset),
    }


def _distances(
    lake: Lake, pipeline: Pipeline, pinned: Reference, dataset: Version
) -> dict[str, float]:
    if pinned.dataset_digest == dataset.digest:
        return {"distance/largest": 0.0}
    profiles = profiles_of(lake, pipeline, dataset)
    found = next((p.distances for p in profiles if p.reference == pinned.digest), ())
    farthest = sorted(found, key=lambda distance: -distance.value)[:FARTHEST]
    named = {f"distance/{d.kind}/{d.column}": d.value for d in farthest}
    return {"distance/largest": farthest[0].value, **named} if farthest else {}
