"""The catalogue: each feature of a pipeline as people look for it. A pure function of the declarations."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from mlplatform.features.declare import (
    Aggregate,
    Bucketize,
    Categorical,
    Cross,
    Datetime,
    Elapsed,
    Embedding,
    Feature,
    FeatureSet,
    Function,
    Hashed,
    Numeric,
    Text,
)
from mlplatform.features.load_columns import later_time
from mlplatform.spec import Pipeline, PipelineSpec
from mlplatform.spec.section import vector_width

AT_PREDICTION = "at prediction"
ID = "id"


@dataclass(frozen=True, kw_only=True)
class Source:
    """A raw column behind a feature.

    Attributes:
        column: Its name; of an event table `<events>.<column>`.
        type: As the spec declares it.
        available: When its value is known, in words.
    """

    column: str
    type: str
    available: str = AT_PREDICTION


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One feature.

    Attributes:
        name: Of the feature.
        kind: Of its declaration: Numeric, Categorical, ….
        description: By its team; of a function, the first line of its docstring.
        owner: The feature's own, else the pipeline's owners.
        type: What the model gets, such as `float[24]` or `id`.
        how: What it computes, in words.
        sources: Its columns.
        aggregates: Each in words, by name.
        file: Where it is declared; of a function, where that is defined.
    """

    name: str
    kind: str
    description: str
    owner: str
    type: str
    how: str
    sources: tuple[Source, ...]
    aggregates: dict[str, str]
    file: str


def entries(pipeline: Pipeline, features: FeatureSet) -> list[Entry]:
    """Return an entry for each feature of the set, which `load_feature_set` has checked."""
    return [_entry(pipeline, feature, features) for feature in features.features]


def aggregate_words(aggregate: Aggregate) -> str:
    """Return `count of departures where dep_delay > 15 by tailnum, last 24h`, say."""
    what = (
        aggregate.function
        if aggregate.column is None
        else f"{aggregate.function} {aggregate.column}"
    )
    where = " and ".join(f"{c} {test} {value!r}" for c, test, value in aggregate.where)
    parts = [f"{row}" if event == row else f"{event} = {row}" for event, row in aggregate.entity]
    return "".join(
        [
            f"{what} of {aggregate.events}",
            f" where {where}" if where else "",
            f" by {', '.join(parts)}" if parts else "",
            f", last {aggregate.window}" if aggregate.window else ", ever",
        ]
    )


def _entry(pipeline: Pipeline, feature: Feature, features: FeatureSet) -> Entry:
    spec: PipelineSpec = pipeline.spec
    declared: Any = feature
    path = os.path.normpath(pipeline.folder / spec.features)
    return Entry(
        name=declared.name,
        kind=type(feature).__name__,
        description=feature.description or next((a.description for a in feature.aggregates), ""),
        owner=feature.owner or ", ".join(spec.owners),
        type=_type(feature, spec),
        how=_how(feature),
        sources=tuple(dict.fromkeys(_sources(feature, features, spec))),
        aggregates={one.name: aggregate_words(one) for one in feature.aggregates},
        file=_defined(feature, path) if isinstance(feature, Function) else path,
    )


def _type(feature: Feature, spec: PipelineSpec) -> str:
    if isinstance(feature, Categorical | Hashed | Bucketize | Cross):
        return ID
    if isinstance(feature, Datetime):
        ids = [f"{ID}[{len(feature.parts)}]"] if feature.parts else []
        return " + ".join(
            [*ids, *([f"float[{2 * len(feature.cycles)}]"] if feature.cycles else [])]
        )
    if isinstance(feature, Numeric | Elapsed):
        # Equal quantiles make one bin, and a missing value its own column, once training rows are seen.
        most = f"float[≤{feature.bins}]" if feature.bins else "float"
        return most if feature.missing is not None else f"{most} + missing"
    if isinstance(feature, Text):
        return f"float[{feature.buckets}]"
    if isinstance(feature, Embedding):
        return f"float[{vector_width(spec.columns[feature.column])}]"
    return (
        f"float[{feature.width}]"
        if isinstance(feature, Function) and feature.width > 1
        else "float"
    )


def _how(feature: Feature) -> str:
    """Return what was declared besides name, column and words, where it is no default."""
    from dataclasses import fields

    left_out = {"name", "column", "columns", "description", "owner", "function", "width"}
    said = []
    for field in fields(feature):
        value = getattr(feature, field.name)
        if field.name not in left_out and value != field.default:
            shown = ", ".join(map(str, value)) if isinstance(value, tuple) else value
            said.append(f"{field.name}: {shown}")
    return "; ".join(said)


def _sources(feature: Feature, features: FeatureSet, spec: PipelineSpec) -> Iterator[Source]:
    if isinstance(feature, Cross):
        for name in feature.of:
            crossed = name.partition("__")[0]
            for other in features.features:
                if other.name == crossed:
                    yield from _sources(other, features, spec)
        return
    names = {aggregate.name for aggregate in feature.aggregates}
    for column in feature.reads:
        if column not in names:
            yield _column(column, spec)
    for aggregate in feature.aggregates:
        yield from _behind(aggregate, spec)


def _column(column: str, spec: PipelineSpec) -> Source:
    known = spec.known_at.get(column)
    when = f"from {known} on" if known else AT_PREDICTION
    return Source(column=column, type=spec.columns[column], available=when)


def _behind(aggregate: Aggregate, spec: PipelineSpec) -> Iterator[Source]:
    """Return the entity's columns of the row, its time, and the event columns."""
    for column in aggregate.row_columns:
        yield _column(column, spec)
    if spec.event_time:
        yield _column(spec.event_time, spec)
    events = spec.events[aggregate.events]
    types = spec.columns if events.source is None else events.columns
    known_at = events.known_at or "its commit"
    named = [*([aggregate.column] if aggregate.column else []), *(c for c, _, _ in aggregate.where)]
    for column in dict.fromkeys([*named, events.event_time]):
        later = later_time(events, column, spec)
        when = f"the later of {known_at} and {later}" if later else known_at
        yield Source(
            column=f"{aggregate.events}.{column}", type=types[column], available=f"from {when} on"
        )


def _defined(feature: Function, path: str) -> str:
    from mlplatform.features.functions_globals import definition

    found = definition(feature.function)
    if found is None:
        return path
    return f"{os.path.normpath(found.__code__.co_filename)}:{found.__code__.co_firstlineno}"
