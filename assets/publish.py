"""What every asset has in common: its key, what decides its content, and how its version is published."""

import hashlib
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import dagster as dg
import pyarrow as pa

from mlplatform.lake import Lake, Lineage, Version
from mlplatform.provenance.code import code_identity, files_digest, rooms_digest
from mlplatform.spec import Pipeline, spec_digest
from resources import ROOT


@dataclass(frozen=True)
class Noun:
    """One kind of asset: where it stands in the walk, and which code and spec sections decide it."""

    group: str
    kinds: frozenset[str]
    rooms: tuple[str, ...]
    sections: tuple[str, ...]
    description: str


_COLUMNS = ("columns", "label", "source")
NOUNS = {
    "source": Noun(
        "data", frozenset({"deltalake", "csv"}), ("ingest",), ("columns", "source"),
        "Every row of every landed file as text, with its file and line. Append only.",
    ),
    "dataset": Noun(
        "data", frozenset({"deltalake"}), ("ingest",), _COLUMNS,
        "The rows with their declared types and a stable row id.",
    ),
    "split": Noun(
        "data", frozenset({"deltalake"}), ("ingest",), (*_COLUMNS, "split"),
        "Which rows train, validate and test.",
    ),
    "features": Noun(
        "features", frozenset({"deltalake", "jax"}), ("features",), (*_COLUMNS, "unused", "split"),
        "The feature vectors of every row, by state fitted on training rows only.",
    ),
    "study": Noun(
        "training", frozenset({"optuna", "jax"}), ("features", "train", "tune"), ("model", "tuning"),
        "Trials of an Optuna study over training and validation rows.",
    ),
    "model": Noun(
        "training", frozenset({"jax", "mlflow"}), ("features", "train"), ("model", "tuning"),
        "The trained model: features and network as one exported program.",
    ),
    "evaluation": Noun(
        "evaluation", frozenset({"deltalake"}), ("evaluate",), ("label", "groups"),
        "Metrics on the test rows, overall and by group; nothing before has read them.",
    ),
    "gate_verdict": Noun(
        "evaluation", frozenset({"deltalake"}), ("gates",), (),
        "One verdict over every gate this model and its data had to pass.",
    ),
    "registered_model": Noun(
        "release", frozenset({"deltalake", "mlflow"}), ("registry",), (),
        "Model versions that passed, with everything they were made from.",
    ),
    "deployment": Noun(
        "release", frozenset({"deltalake"}), ("rollout",), ("rollout",),
        "What takes traffic, as an append-only list of events; the server follows it.",
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Made:
    """What an asset's own code returns: its rows, and what is worth showing or keeping."""

    rows: pa.Table
    facts: Mapping[str, str] = field(default_factory=dict)
    shown: Mapping[str, Any] = field(default_factory=dict)


def described(pipeline: Pipeline, noun: str) -> dict[str, Any]:
    """Return the arguments of `@dg.asset` that follow from the pipeline and the noun."""
    kind = NOUNS[noun]
    return {
        "key": asset_key(pipeline, noun),
        "group_name": kind.group,
        "kinds": set(kind.kinds),
        "owners": pipeline.spec.owners,
        "description": kind.description,
        "code_version": rooms_digest(kind.rooms)[:12],
        "tags": {"pipeline": pipeline.name},
    }


def asset_key(pipeline: Pipeline, noun: str) -> dg.AssetKey:
    """Return the key of one of the pipeline's assets: also the name of its table."""
    return dg.AssetKey([pipeline.name, noun])


def reads(pipeline: Pipeline, *nouns: str) -> dict[str, dg.AssetIn]:
    """Return `ins=` for parameters named after the pipeline's own assets."""
    return {noun: dg.AssetIn(key=asset_key(pipeline, noun)) for noun in nouns}


def lineage(
    context: dg.AssetExecutionContext | dg.AssetCheckExecutionContext,
    pipeline: Pipeline,
    noun: str,
    inputs: Sequence[Version],
    recipe: str = "",
    facts: Mapping[str, str] | None = None,
) -> Lineage:
    """Return who writes this commit, and from what."""
    return Lineage(
        asset=pipeline.table(noun),
        run_id=context.run.run_id,
        code_version=str(code_identity(ROOT)),
        recipe=recipe,
        inputs={version.table: version.reference for version in inputs},
        facts=facts or {},
    )


def recipe(pipeline: Pipeline, noun: str, inputs: Sequence[Version], **more: str) -> str:
    """Return a digest of everything that decides the asset's content: equal recipe, equal content."""
    kind = NOUNS[noun]
    ingredients = {
        "inputs": {version.table: version.digest for version in inputs},
        "code": rooms_digest(kind.rooms),
        "spec": spec_digest(pipeline.spec, *kind.sections) if kind.sections else "",
        **more,
    }
    return hashlib.sha256(json.dumps(ingredients, sort_keys=True).encode()).hexdigest()


def features_code(pipeline: Pipeline) -> str:
    """Return a digest of the pipeline's own feature code."""
    return files_digest([pipeline.folder / pipeline.spec.features])


def publish(
    context: dg.AssetExecutionContext,
    lake: Lake,
    pipeline: Pipeline,
    noun: str,
    inputs: Sequence[Version],
    make: Callable[[], Made],
    **more: str,
) -> dg.MaterializeResult[Version]:
    """Return the version with this recipe: the one the table already has, or a new one from `make`."""
    table = lake.table(pipeline.table(noun))
    wanted = recipe(pipeline, noun, inputs, **more)
    latest = table.latest()
    if latest is not None and latest.lineage.recipe == wanted:
        return materialised(context, lake, latest, {}, reused=True)
    started = time.perf_counter()
    made = make()
    version = table.overwrite(
        made.rows,
        lineage(context, pipeline, noun, inputs, wanted, made.facts),
        expected=latest.number if latest else None,
    )
    seconds = {"seconds": round(time.perf_counter() - started, 2)}
    return materialised(context, lake, version, {**made.shown, **seconds}, reused=False)


def materialised(
    context: dg.AssetExecutionContext,
    lake: Lake,
    version: Version,
    shown: Mapping[str, Any],
    *,
    reused: bool,
) -> dg.MaterializeResult[Version]:
    """Return Dagster's record of a version, and say it in the log."""
    what = "nothing new" if reused else "written"
    says = f"{version.table}: version {version.number}, {version.rows:,} rows, {what}"
    context.log.info(says)
    return dg.MaterializeResult(
        value=version,
        data_version=dg.DataVersion(version.reference),
        tags={"delta/version": str(version.number)},
        metadata={
            "delta/version": version.number,
            "dagster/row_count": version.rows,
            "dagster/uri": lake.table(version.table).uri,
            "digest": version.digest,
            "reused": reused,
            "inputs": dg.MetadataValue.json(dict(version.lineage.inputs)),
            "written_by_run": version.lineage.run_id,
            **{f"fact/{name}": value for name, value in version.lineage.facts.items()},
            **shown,
        },
    )
