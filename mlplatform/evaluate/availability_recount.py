"""Aggregates counted again from the events, by another program, on a sample of rows."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mlplatform.measures import AvailabilitySeen

if TYPE_CHECKING:
    from mlplatform.evaluate.made_from import MadeFrom, Reads
    from mlplatform.features.declare import Aggregate
    from mlplatform.lake import Version

ROWS = 200  # Recounted of each aggregate: a fault in 2 % of rows is missed once in 57 samples.
EXAMPLES = 5
PLACE = ("source_file", "source_line")


def recounts(made: "MadeFrom", rows: int = ROWS) -> list[AvailabilitySeen]:
    """Return, for each aggregate of each feature, how many values differ from a recount in any bit.

    The rows are spread evenly over the table. The values are those of the table of changes that the
    features were made from; the recount reads the versions of the events that this one was made from.

    Raises:
        LakeError: If the table of changes does not say what it was made from, or that is gone.
        FeatureError: If the events lack a column or a time.
    """
    aggregates = made.encoder.aggregates
    version = made.aggregates
    if not aggregates or version is None:
        return []
    from mlplatform.features.aggregates import Lookup

    event_time = made.encoder.event_time
    needed = [name for one in aggregates for name in one.row_columns]
    columns = list(dict.fromkeys([*needed, event_time, *PLACE]))
    sample = made.sampled(columns, rows)
    used = Lookup.read(made.lake, version, aggregates, event_time).fill(sample)
    seen = {
        one.name: _recounted(made, version, one, sample, used.column(one.name))
        for one in aggregates
    }
    return [
        _said(reads, one, sample, event_time, seen[one.name])
        for reads in made.reads
        for one in reads.aggregates
    ]


_Pairs = list[tuple[float | None, float | None]]


def _recounted(
    made: "MadeFrom", version: "Version", one: "Aggregate", sample: pa.RecordBatch, used: pa.Array
) -> _Pairs:
    from mlplatform.features.aggregates import recount

    events = of_entities(_events(made, version, one), one, sample)
    found = recount(one, events, sample, made.encoder.event_time)
    return list(zip(used.to_pylist(), found, strict=True))


def _events(made: "MadeFrom", version: "Version", one: "Aggregate") -> Iterator[pa.RecordBatch]:
    """Yield the events as they were when the table of changes was made."""
    from mlplatform.features.aggregates import needed_columns, read_events

    own = made.pipeline.spec.events[one.events].source is None
    whose = made.pipeline if own else made.pipeline.landed_as(one.events)
    table = whose.table("dataset" if own else "source")
    versions = {one.events: made.input_of(version, table)}
    yield from read_events(made.pipeline, made.lake, one.events, versions, needed_columns([one]))


def of_entities(
    events: Iterator[pa.RecordBatch], one: "Aggregate", sample: pa.RecordBatch
) -> Iterator[pa.RecordBatch]:
    """Yield the events that any part of a sampled entity may have; the others would be read in vain."""
    wanted = {event: pc.unique(sample.column(row)) for event, row in one.entity}
    for batch in events:
        kept = batch
        for event, values in wanted.items():
            column = kept.column(event)
            coded = pa.types.is_dictionary(column.type)
            plain = column.dictionary_decode() if coded else column
            kept = kept.filter(pc.is_in(plain, values))
        yield kept


def _said(
    reads: "Reads", one: "Aggregate", sample: pa.RecordBatch, event_time: str, pairs: _Pairs
) -> AvailabilitySeen:
    wrong = [row for row, pair in enumerate(pairs) if not same_bits(*pair)]
    shown = sample.take(pa.array(wrong[:EXAMPLES], pa.int64()))
    places = shown.select([*PLACE, event_time]).to_pylist()
    examples = [
        {**place, "used": pairs[row][0], "recount": pairs[row][1]}
        for row, place in zip(wrong, places, strict=False)
    ]
    return AvailabilitySeen(
        feature=reads.feature,
        column=one.name,
        found_by="recount",
        rows=len(pairs),
        late=len(wrong),
        worst=_worst(examples, event_time),
        examples=tuple(examples),
    )


def same_bits(one: float | None, other: float | None) -> bool:
    """Return whether both are missing, or both the same float64, zeros with their signs."""
    if one is None or other is None:
        return one is other
    return bool(np.float64(one).view(np.int64) == np.float64(other).view(np.int64))


def _worst(examples: Sequence[dict[str, Any]], event_time: str) -> str:
    if not examples:
        return ""
    one = examples[0]
    when = one[event_time]
    at = when.isoformat() if isinstance(when, datetime) else "no time"
    where = f"{one['source_file']}:{one['source_line']} at {at}"
    return f"{where}: {one['used']} was used, {one['recount']} is what was known"
