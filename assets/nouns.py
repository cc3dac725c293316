"""The assets of every pipeline by name: where each stands in the walk, and what decides its content."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import dagster as dg

from assets.mistakes import in_one_line
from mlplatform.lake import Version
from mlplatform.provenance.code import rooms_digest
from mlplatform.spec import Pipeline


@dataclass(frozen=True)
class Noun:
    """One kind of asset: where it stands in the walk, and which code, spec sections and libraries decide it."""

    group: str
    kinds: frozenset[str]
    rooms: tuple[str, ...]
    sections: tuple[str, ...]
    description: str
    libraries: tuple[str, ...] = ()  # Beside those that decide every asset.


_TRAINING = ("optax", "lightgbm", "scipy")
_COLUMNS = ("columns", "label", "source")
NOUNS = {
    "source": Noun(
        "data", frozenset({"deltalake"}), ("ingest",), _COLUMNS,
        "Every landed row with its types, its file and its line; what is malformed stands in `quarantine`.",
    ),
    "dataset": Noun(
        "data", frozenset({"deltalake", "tensorflow"}), ("ingest",), (*_COLUMNS, "key"),
        "The rows with a stable id each, of equal keys the newest; with statistics and pictures.",
    ),
    "split": Noun(
        "data", frozenset({"deltalake"}), ("ingest",), (*_COLUMNS, "key", "event_time", "split"),
        "Which rows train, validate and test.",
    ),
    "reference": Noun(
        "data", frozenset({"deltalake"}), ("validate",), (),
        "The dataset version that new data is compared with: the first accepted, then by promotion.",
    ),
    "aggregates": Noun(
        "features", frozenset({"deltalake"}), ("features", "ingest"),
        ("events", "event_time", "known_after", "known_at", "label"),
        "What the events known by then add up to, from each instant at which that changed.",
    ),
    "features": Noun(
        "features", frozenset({"deltalake", "jax"}), ("features",),
        (*_COLUMNS, "unused", "known_after", "known_at", "key", "event_time", "events", "split", "refit"),
        "The feature vectors of every row, by state fitted on training rows only.",
    ),
    "study": Noun(
        "training", frozenset({"optuna", "jax"}), ("features", "train", "tune"), ("model", "tuning"),
        "Trials of an Optuna study over training and validation rows.", (*_TRAINING, "optuna"),
    ),
    "model": Noun(
        "training", frozenset({"jax", "mlflow"}), ("features", "train", "monitor", "validate"),
        (*_COLUMNS, "unused", "known_after", "known_at", "events"),
        "The trained model: features and network as one exported program.", _TRAINING,
    ),
    "evaluation": Noun(
        "evaluation", frozenset({"deltalake"}), ("evaluate", "features", "statistics"),
        ("label", "groups"),
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


def asset_of(
    pipeline: Pipeline,
    noun: str,
    *read: str,
    events: Sequence[str] = (),
    op_tags: Mapping[str, Any] | None = None,
) -> Callable[[Callable[..., dg.MaterializeResult[Version]]], dg.AssetsDefinition]:
    """Return the decorator of one of the pipeline's assets, which reads others by parameters of their names.

    Event tables that landed from sources of their own are read by their names too. A user's mistake
    in it ends the step with one line in the log.
    """
    kind = NOUNS[noun]
    keys = {other: asset_key(pipeline, other) for other in read}
    keys |= {name: asset_key(pipeline.landed_as(name), "source") for name in events}
    decorate = dg.asset(
        key=asset_key(pipeline, noun),
        ins={name: dg.AssetIn(key=key) for name, key in keys.items()},
        group_name=kind.group,
        kinds=set(kind.kinds),
        owners=pipeline.spec.owners,
        description=kind.description,
        code_version=rooms_digest(kind.rooms)[:12],
        tags={"pipeline": pipeline.name.partition("/")[0]},
        op_tags=op_tags,
    )
    return lambda compute: decorate(in_one_line(compute))


def asset_key(pipeline: Pipeline, noun: str) -> dg.AssetKey:
    """Return the key of one of the pipeline's assets: also the name of its table."""
    return dg.AssetKey([*pipeline.name.split("/"), noun])
