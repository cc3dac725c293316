"""The events of a pipeline's event table, each with when it happened and when it became known."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mlplatform.errors import FeatureError
from mlplatform.features.aggregates.times import TIMESTAMP, instants
from mlplatform.features.columns import column_of
from mlplatform.features.declare.aggregate import Aggregate
from mlplatform.features.instants import microseconds_of
from mlplatform.features.load_columns import later_time
from mlplatform.ingest.landed import FACT, File, landed
from mlplatform.spec import Pipeline

if TYPE_CHECKING:
    from mlplatform.lake import Lake, Table, Version

EVENT_TIME, KNOWN_AT = "_event_time", "_known_at"  # No declared column begins so.
FILE = "source_file"


def needed_columns(aggregates: Iterable[Aggregate]) -> tuple[str, ...]:
    """Return the event columns that the aggregates read, each once."""
    names: list[str] = []
    for one in aggregates:
        names += [event for event, _ in one.entity]
        names += [column for column, _, _ in one.where]
        names += [one.column] if one.column else []
    return tuple(dict.fromkeys(names))


def known_column(column: str) -> str:
    """Return the name of the times at which the values of an event's column became known."""
    return f"{KNOWN_AT}_{column}"


def known(aggregate: Aggregate, batch: pa.RecordBatch) -> pa.Array:
    """Return when each event, and all that the aggregate reads of it, was known, int64 microseconds.

    Null where one of these times is.
    """
    names = [KNOWN_AT, *(known_column(column) for column in needed_columns([aggregate]))]
    return latest(batch, [name for name in names if name in batch.schema.names])


def latest(batch: pa.RecordBatch, times: Iterable[str]) -> pa.Array:
    """Return the latest time of each row, int64 microseconds; null where one is."""
    whole = [batch.column(name).cast(pa.int64()) for name in times]
    return pc.max_element_wise(*whole, skip_nulls=False)


def read_events(
    pipeline: Pipeline,
    lake: "Lake",
    name: str,
    versions: "Mapping[str, Version]",
    columns: Sequence[str] | None = None,
) -> Iterator[pa.RecordBatch]:
    """Yield all events in written order, in constant memory; strings stay dictionary-encoded.

    Batches have `columns`, and `_event_time` and `_known_at`, timestamps in microseconds, UTC. An
    event is known by its `known_at` column; without one, from the commit that first landed its
    file. A column that by the spec's `known_at` is known by another time has that in
    `known_column`. Null where the row does not say.

    Args:
        pipeline: Declares the events.
        lake: Holds them.
        name: What `events` in the spec calls them.
        versions: Of the event table; of the dataset, where the events are its own rows.
        columns: Which to read; all that are declared by default.

    Raises:
        FeatureError: If there is no such event table, an instant is outside years 1 to 9999, or no
            commit is known to have brought a row.
    """
    if name not in pipeline.spec.events or name not in versions:
        known = ", ".join(versions) or "none"
        raise FeatureError(f"there are no events {name!r} to read; known: {known}")
    declared, version = pipeline.spec.events[name], versions[name]
    if columns is None:
        columns = list(declared.columns or pipeline.spec.columns)
    known_by = declared.known_at or FILE
    times = {column: later_time(declared, column, pipeline.spec) for column in columns}
    later = {column: time for column, time in times.items() if time is not None}
    wanted = dict.fromkeys([*columns, declared.event_time, known_by, *later.values()])
    landings = {} if declared.known_at else _landings(pipeline, lake, name, version)
    row, table = 0, lake.table(version.table)
    for batch in table.batches(version, columns=list(wanted), dictionaries=True):
        try:
            happened = instants(declared.event_time, batch.column(declared.event_time), row)
            known_at = (
                _landed_at(batch.column(FILE), landings)
                if declared.known_at is None
                else instants(declared.known_at, batch.column(declared.known_at), row)
            )
            knowns = [instants(time, batch.column(time), row) for time in later.values()]
        except FeatureError as wrong:
            raise FeatureError(f"events {name!r}: {wrong}") from None
        arrays = [*(column_of(batch, column) for column in columns), happened, known_at, *knowns]
        names = [*columns, EVENT_TIME, KNOWN_AT, *map(known_column, later)]
        yield pa.RecordBatch.from_arrays(arrays, names=names)
        row += batch.num_rows


def _landings(pipeline: Pipeline, lake: "Lake", name: str, version: "Version") -> dict[str, int]:
    """Return when each file of the event table first landed, in microseconds."""
    if pipeline.spec.events[name].source is not None:
        return landing_times(lake.table(version.table), version.number)
    source = lake.table(pipeline.table("source"))
    reference = version.lineage.inputs.get(source.name)
    if reference is None:
        raise FeatureError(
            f"events {name!r}: {version.table} {version.reference} does not say which version of"
            f" {source.name} it was made from; make it anew, or declare known_at"
        )
    return landing_times(source, int(reference.partition(":")[0]))


def landing_times(table: "Table", number: int) -> dict[str, int]:
    """Return when the content of each file in version `number` of a `source` table first landed.

    A later commit may bring the same content again, when it replaces the whole table or the spec
    reads it otherwise: it is known since the first.
    """
    first: dict[tuple[str, str], int] = {}
    for commit in sorted(table.history(), key=lambda commit: commit.number):
        fact = json.loads(commit.lineage.facts.get(FACT, "{}"))
        for says in fact.get("files", ()):
            file = File(**says)
            first.setdefault((file.name, file.sha256), microseconds_of(commit.committed_at))
    files = landed(table, table.version(number)).files
    return {name: first[name, file.sha256] for name, file in files.items()}


def _landed_at(files: pa.Array, landings: Mapping[str, int]) -> pa.Array:
    coded = files if pa.types.is_dictionary(files.type) else files.dictionary_encode()
    names = coded.dictionary.to_pylist()
    unknown = [name for name in names if name not in landings]
    if unknown:
        raise FeatureError(f"no commit is known to have brought {FILE} {unknown[0]!r}")
    times = pa.array(np.array([landings[name] for name in names], np.int64)).cast(TIMESTAMP)
    return times.take(coded.indices)
