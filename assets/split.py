"""Data: `dataset` becomes `split`: which rows train, validate and test."""

from typing import Any

import dagster as dg

from assets import permit
from assets.nouns import asset_of
from assets.publish import Later, Made, publish
from mlplatform.ingest.balance import Balance
from mlplatform.ingest.split import assign, reads
from mlplatform.lake import Version
from mlplatform.spec import Pipeline
from resources import LakeResource


def build(pipeline: Pipeline) -> dg.AssetsDefinition:
    """Return the pipeline's `split` asset."""

    @asset_of(pipeline, "split", "dataset")
    def split(
        context: dg.AssetExecutionContext, lake: LakeResource, dataset: Version
    ) -> dg.MaterializeResult[Version]:
        permit.require(lake.open(), pipeline, dataset=dataset)

        def make() -> Made:
            spec, balance = pipeline.spec, Balance(pipeline.spec.label)
            batches = lake.open().table(dataset.table).batches(dataset, columns=reads(spec))
            return Made(assign(spec, batches, balance), shown=Later(lambda: _shown(balance)))

        return publish(context, lake.open(), pipeline, "split", [dataset], make)

    return split


def _shown(balance: Balance) -> dict[str, Any]:
    positive = {part: share for part, share in balance.positive_shares.items() if share is not None}
    return {
        "parts": dg.MetadataValue.md(balance.markdown()),
        **{f"rows/{part}": rows for part, rows in balance.rows.items()},
        **{f"positive_share/{part}": share for part, share in positive.items()},
        **{f"label_mean/{part}": seen.mean for part, seen in balance.spreads.items() if seen.rows},
    }
