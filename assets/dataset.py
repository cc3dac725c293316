"""Data: `source` becomes `dataset`: every row with an identity, of upserted rows the newest."""

from typing import Any

import dagster as dg

from assets.nouns import asset_of
from assets.publish import Made, lineage, publish
from mlplatform.ingest.dataset import rows
from mlplatform.lake import Lake, Version
from mlplatform.spec import Pipeline
from mlplatform.validate.profile import PAGE, Profile, profile
from mlplatform.validate.summary import markdown, records
from resources import LakeResource, TfdvResource


def build(pipeline: Pipeline) -> dg.AssetsDefinition:
    """Return the pipeline's `dataset` asset."""

    @asset_of(pipeline, "dataset", "source")
    def dataset(
        context: dg.AssetExecutionContext, lake: LakeResource, tfdv: TfdvResource, source: Version
    ) -> dg.MaterializeResult[Version]:
        store = lake.open()

        def make() -> Made:
            reader = rows(pipeline, store, source)
            columns = [dg.TableColumn(field.name, str(field.type)) for field in reader.schema]
            return Made(reader, shown={"dagster/column_schema": dg.TableSchema(columns)})

        made = publish(context, store, pipeline, "dataset", [source], make)
        # Before its gates: who has to find out why they refuse it sees what it looks like.
        who = lineage(context, pipeline, "statistics", [made.value])
        seen = profile(pipeline, tfdv.worker(), store, made.value, who)
        return made._replace(metadata={**(made.metadata or {}), **_shown(store, seen)})

    return dataset


def _shown(lake: Lake, seen: Profile) -> dict[str, Any]:
    """Return a table of the columns, a picture of each, and where the page of TFDV's statistics lies."""
    table = [dg.TableRecord(dict(record)) for record in records(seen)]
    page = f"{lake.artifacts.open(seen.page).uri}/{PAGE}"
    return {
        "new_rows": seen.new_rows,
        "facets": dg.MetadataValue.path(page),
        "columns": dg.MetadataValue.table(table),
        **{
            f"column/{column.name}": dg.MetadataValue.md(markdown(column))
            for column in seen.columns
        },
    }
