"""Features: `dataset` and `split` become `features`, by state fitted on training rows and one exported program."""

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import dagster as dg

from assets import permit
from assets.nouns import asset_key, asset_of
from assets.publish import Later, Made, features_code, publish, recipe
from assets.training import joins
from mlplatform.lake import Lake, Version
from mlplatform.spec import Pipeline
from resources import ComputeResource, FeatureEngineResource, LakeResource

if TYPE_CHECKING:
    from mlplatform.features.batch_function import BatchFunction
    from mlplatform.features.incremental import Inputs, Rows


def build(pipeline: Pipeline) -> dg.AssetsDefinition:
    """Return the pipeline's `features` asset."""
    looked_up = ["aggregates"] if pipeline.spec.events else []

    @asset_of(pipeline, "features", "dataset", "split", *looked_up)
    def features(
        context: dg.AssetExecutionContext,
        lake: LakeResource,
        compute: ComputeResource,
        engine: FeatureEngineResource,
        **read: Version,
    ) -> dg.MaterializeResult[Version]:
        store, code = lake.open(), features_code(pipeline)
        permit.require(store, pipeline, dataset=read["dataset"], split=read["split"])
        terms = recipe(pipeline, "features", [], features=code)

        def make() -> Made:
            from mlplatform.features.incremental import Inputs, rows

            compute.prepare(joins=joins(context, pipeline, compute))
            inputs, latest = Inputs(**read), store.table(pipeline.table("features")).latest()
            kept = _kept(pipeline, latest, terms)
            function, state = _function(store, pipeline, inputs, kept)
            same = latest if latest and _facts(latest) == (terms, state) else None
            mapper = engine.of(store.table(inputs.dataset.table), inputs.dataset)
            found = rows(pipeline, store, function, inputs, previous=same, engine=mapper)
            made = _made(store, found, function, {"terms": terms, "state": state})
            beside = {
                "catalogue": _catalogue(store, pipeline),
                **_columns(pipeline, found, function),
            }
            return replace(made, shown=Later(lambda: {**beside, **made.shown}))

        inputs = [read[noun] for noun in sorted(read)]
        return publish(context, store, pipeline, "features", inputs, make, features=code)

    return features


def _kept(pipeline: Pipeline, latest: Version | None, terms: str) -> str | None:
    """Return the state to go on with, where the spec asks for no new one."""
    from mlplatform.features.incremental import kept_state

    return kept_state(latest, terms) if pipeline.spec.refit == "never" else None


def _facts(version: Version) -> tuple[str | None, str | None]:
    facts = version.lineage.facts
    return facts.get("terms"), facts.get("state")


def _function(
    store: Lake, pipeline: Pipeline, inputs: "Inputs", kept: str | None
) -> "tuple[BatchFunction, str]":
    """Return the batch function of the kept state, or of one fitted on the training rows, and its artifact."""
    from mlplatform.features.aggregates import Lookup
    from mlplatform.features.batch_function import ENCODER, PROGRAM, BatchFunction
    from mlplatform.features.fitted import fitted
    from mlplatform.features.load import load_feature_set

    features = load_feature_set(pipeline)
    lookup = None
    if features.aggregates and inputs.aggregates is not None:
        event_time = pipeline.spec.event_time or ""
        lookup = Lookup.read(store, inputs.aggregates, features.aggregates, event_time)
    if kept is None:
        files = fitted(pipeline, features, store, inputs, lookup)
    else:
        files = {name: store.artifacts.open(kept).read(name) for name in (ENCODER, PROGRAM)}
    return BatchFunction.load(files, lookup), store.artifacts.put(files)


def _made(store: Lake, found: "Rows", function: "BatchFunction", facts: Mapping[str, str]) -> Made:
    """Return rows whose statistics are kept and shown once all have been streamed."""
    from mlplatform.features.incremental import FILE
    from mlplatform.features.statistics_shown import pictures, table

    def kept() -> Mapping[str, str]:
        artifact = store.artifacts.put({FILE: found.statistics.to_json()})
        return {**facts, "statistics": artifact}

    def shown() -> Mapping[str, Any]:
        images = pictures(found.statistics, function.encoder)
        return {
            "columns": len(function.schema.names),
            "new_rows": found.statistics.rows - (found.added_to.rows if found.added_to else 0),
            "statistics": dg.MetadataValue.md(table(found.statistics, function.encoder)),
            **{f"feature/{name}": dg.MetadataValue.md(said) for name, said in images.items()},
        }

    return Made(found.reader, Later(kept), Later(shown), found.added_to)


def _columns(pipeline: Pipeline, found: "Rows", function: "BatchFunction") -> dict[str, Any]:
    """Return the table's columns, and which columns of which assets each is computed from."""
    from mlplatform.features.column_lineage import column_lineage

    columns = [dg.TableColumn(field.name, str(field.type)) for field in found.reader.schema]
    behind = {
        column: [dg.TableColumnDep(asset_key(pipeline, noun), name) for noun, name in sources]
        for column, sources in column_lineage(function.encoder, pipeline.spec.label).items()
    }
    return {
        "dagster/column_schema": dg.TableSchema(columns),
        "dagster/column_lineage": dg.TableColumnLineage(behind),
    }


def _catalogue(store: Lake, pipeline: Pipeline) -> dg.TableMetadataValue:
    """Return what each feature is, who answers for it, and which models use it, as a table."""
    from mlplatform.features.catalogue import entries
    from mlplatform.features.catalogue_lake import uses
    from mlplatform.features.catalogue_shown import rows
    from mlplatform.features.load import load_feature_set
    from mlplatform.rollout.events import traffic

    now = traffic(store.table(pipeline.table("deployment")))
    arms = {"canary": now.canary, "champion": now.champion}
    live = {model.digest: arm for arm, model in arms.items() if model is not None}
    known = entries(pipeline, load_feature_set(pipeline))
    return dg.MetadataValue.table(
        [dg.TableRecord(dict(row)) for row in rows(known, uses(store, [pipeline], live))]
    )
