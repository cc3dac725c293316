"""Reads a pipeline's `features.py`, and holds every feature against the spec."""

from math import prod
from pathlib import Path

from mlplatform.errors import SpecError
from mlplatform.features.declare import (
    Bucketize,
    Categorical,
    Cross,
    Datetime,
    Feature,
    FeatureSet,
    Function,
    Hashed,
)
from mlplatform.features.declare.categories import MAX_IDS
from mlplatform.features.declare.times import PARTS
from mlplatform.features.load_aggregates import aggregate_problem
from mlplatform.features.load_columns import column_problem
from mlplatform.features.sharing import feature_set
from mlplatform.spec import Pipeline, PipelineSpec
from mlplatform.spec.model import LOG_COLUMNS

RESERVED = 2  # Ids of every category: missing and unseen.


def load_feature_set(pipeline: Pipeline) -> FeatureSet:
    """Return the `features` that the pipeline's features file defines.

    Raises:
        SpecError: Naming file and line if the file fails, or the feature if it reads a column
            that is unknown, unused, known too late, the label, or of a type it cannot take, an
            aggregate over events that the spec does not have, or no category to cross; and if it
            is a function that is not pure, or mixes rows.
    """
    path = pipeline.folder / pipeline.spec.features
    features = feature_set(path)
    for feature in features.features:
        problem = _problem(feature, features, pipeline.spec)
        if problem:
            raise SpecError(f"{path}: feature {feature.name!r} {problem}")
    for feature in features.features:
        if isinstance(feature, Function):
            _check(feature, path)
    clash = sorted(_asked(features, pipeline.spec) & LOG_COLUMNS)
    if clash:
        raise SpecError(
            f"{path}: clients would be asked for {clash[0]!r}, which the log of predictions has as a"
            " column of its own; rename the column"
        )
    return features


def _asked(features: FeatureSet, spec: PipelineSpec) -> set[str]:
    """Return the columns that a model with these features asks its clients for."""
    asked = set(features.columns) - {one.name for one in features.aggregates}
    asked |= {name for one in features.aggregates for name in one.row_columns}
    return asked | ({spec.event_time} if features.aggregates and spec.event_time else set())


def _check(feature: Function, path: Path) -> None:
    from mlplatform.features.functions import checked
    from mlplatform.features.functions_globals import definition

    try:
        checked(feature)
    except SpecError as wrong:
        if definition(feature.function) is None:  # One of JAX's own has no file of the team's.
            raise SpecError(f"{path}: {wrong}") from None
        raise


def _problem(feature: Feature, features: FeatureSet, spec: PipelineSpec) -> str | None:
    for aggregate in feature.aggregates:
        problem = aggregate_problem(aggregate, spec)
        if problem:
            return f"reads the aggregate {aggregate.name!r}: {problem}"
    names = {aggregate.name for aggregate in feature.aggregates}
    for column, takes in feature.reads.items():
        problem = None if column in names else column_problem(feature, column, takes, spec)
        if problem:
            return f"reads {column!r}, {problem}"
    return _cross_problem(feature, features) if isinstance(feature, Cross) else None


def _cross_problem(cross: Cross, features: FeatureSet) -> str | None:
    known = categories(features)
    for name in cross.of:
        if name not in known:
            return (
                f"crosses {name!r}, which is no category here; known: {', '.join(known) or 'none'}"
            )
    ids = prod(known[name] for name in cross.of)
    if cross.buckets is None and ids > MAX_IDS:
        return f"has {ids:,} combinations or more; {MAX_IDS:,} are possible: give buckets="
    return None


def categories(features: FeatureSet) -> dict[str, int]:
    """Return what a `Cross` may name, and the least number of ids that each has."""
    known: dict[str, int] = {}
    for feature in features.features:
        if isinstance(feature, Categorical):
            known[feature.name] = RESERVED
        elif isinstance(feature, Hashed):
            known[feature.name] = RESERVED + feature.buckets
        elif isinstance(feature, Bucketize):
            known[feature.name] = RESERVED + len(feature.edges) + 1
        elif isinstance(feature, Datetime):
            parts = {f"{feature.name}__{part}": RESERVED + PARTS[part] for part in feature.parts}
            known.update(parts)
    return known
