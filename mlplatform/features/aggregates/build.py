"""All aggregates of a pipeline as one table of changes."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import pyarrow as pa

from mlplatform.errors import FeatureError
from mlplatform.features.aggregates import entity, where
from mlplatform.features.aggregates.changes import SCHEMA, change_batches
from mlplatform.features.aggregates.events import (
    EVENT_TIME,
    KNOWN_AT,
    known_column,
    latest,
    needed_columns,
    read_events,
)
from mlplatform.features.columns import NUMBERS
from mlplatform.features.declare.aggregate import Aggregate
from mlplatform.spec import Pipeline, PipelineSpec

if TYPE_CHECKING:
    from mlplatform.lake import Lake, Version

FACT = "aggregates"  # Of a version: JSON array of the keys it has, also those without any change.
_ANEW = {  # What loads do to when events are known, where only the commits say it.
    "full": "loaded in full, so every load of other content makes all its events",
    "upsert": "loaded by upsert, so every load makes the events that it brings again",
}


def build(
    pipeline: Pipeline,
    aggregates: Sequence[Aggregate],
    lake: "Lake",
    versions: "Mapping[str, Version]",
    tell: Callable[[str], object] | None = None,
) -> pa.RecordBatchReader:
    """Return the changes of all aggregates, by key, entity and time, with columns as in `SCHEMA`.

    Takes about 400 bytes of memory an event of the largest event table, and besides its columns
    that are needed, of all event tables that are still to be read again.

    Args:
        pipeline: Declares the events.
        aggregates: What to compute; those of equal key once.
        lake: Holds the events.
        versions: By event table: its version, or the dataset's where its events are own rows.
        tell: Called with a line for every event table some of whose events have no time, or whose
            loads change since when its events are known.

    Raises:
        FeatureError: At once, if an aggregate does not fit the declared columns; while it is read,
            as in `changes` and `read_events`.
    """
    by_key = {one.key: one for one in aggregates}
    for one in by_key.values():
        wrong = problem(pipeline.spec, one)
        if wrong:
            raise FeatureError(f"aggregate {one.name!r}: {wrong}")
    wanted = [by_key[key] for key in sorted(by_key)]
    return pa.RecordBatchReader.from_batches(
        SCHEMA, _batches(pipeline, wanted, lake, versions, tell)
    )


def problem(spec: PipelineSpec, aggregate: Aggregate) -> str | None:
    """Return what is wrong with an aggregate, by the columns that the spec declares; None if nothing."""
    events = spec.events.get(aggregate.events)
    if events is None:
        known = ", ".join(spec.events) or "none"
        return f"there are no events {aggregate.events!r}; known: {known}"
    columns = spec.columns if events.source is None else events.columns
    wanted: dict[str, tuple[str, ...]] = {event: entity.KINDS for event, _ in aggregate.entity}
    if aggregate.column is not None:
        wanted[aggregate.column] = NUMBERS
    for name, kinds in wanted.items():
        if columns.get(name) not in kinds:
            found = columns.get(name, "not declared")
            return f"column {name!r} of events {aggregate.events!r} is {found}; {' or '.join(kinds)} is needed"
    for name, _, literal in aggregate.where:
        if not where.comparable(columns.get(name, ""), literal):
            found = columns.get(name, "not declared")
            return f"column {name!r} of events {aggregate.events!r} is {found}; it cannot be compared with {literal!r}"
    return None


def _batches(
    pipeline: Pipeline,
    aggregates: Sequence[Aggregate],
    lake: "Lake",
    versions: "Mapping[str, Version]",
    tell: Callable[[str], object] | None,
) -> Iterator[pa.RecordBatch]:
    held: dict[str, list[pa.RecordBatch]] = {}
    for at, one in enumerate(aggregates):
        if one.events not in held:
            same = [other for other in aggregates if other.events == one.events]
            columns = needed_columns(same)
            held[one.events] = list(read_events(pipeline, lake, one.events, versions, columns))
            if tell is not None:
                for line in _told(pipeline.spec, one.events, held[one.events]):
                    tell(line)
        yield from change_batches(one, held[one.events])
        if all(other.events != one.events for other in aggregates[at + 1 :]):
            del held[one.events]


def _told(spec: PipelineSpec, name: str, batches: Sequence[pa.RecordBatch]) -> Iterator[str]:
    """Yield a line for each reason why events of a table do not count, or not since when one thinks."""
    declared = spec.events[name]
    load = (declared.source or spec.source).load
    if declared.known_at is None and load in _ANEW:
        yield f"{name}: {_ANEW[load]} known anew; declare known_at"
    rows = sum(batch.num_rows for batch in batches)
    untimed = sum(latest(batch, [EVENT_TIME, KNOWN_AT]).null_count for batch in batches)
    if untimed:
        yield f"{name}: {untimed:,} of {rows:,} events lack a time and do not count"
    named = batches[0].schema.names if batches else []
    for column in [name for name in named if known_column(name) in named]:
        whole = (batch.filter(batch.column(column).is_valid()) for batch in batches)
        untimed = sum(batch.column(known_column(column)).null_count for batch in whole)
        if untimed:
            yield (
                f"{name}: {untimed:,} of {rows:,} events do not say when {column!r} became known "
                "and do not count where it is read"
            )
