"""Aggregates counted again from the events, by another program, on a sample of rows."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from mlplatform.features.aggregates import Lookup, needed_columns, read_events, recount
from mlplatform.features.aggregates.events import EVENT_TIME
from mlplatform.measures import AvailabilitySeen

if TYPE_CHECKING:
    from mlplatform.evaluate.made_from import MadeFrom, Reads
    from mlplatform.features.declare import Aggregate
    from mlplatform.lake import Version

ROWS = 200  # Recounted of each aggregate: a fault in 2 % of rows is missed once in 57 samples.
EXAMPLES = 5
FOREVER = np.iinfo(np.int64).max
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
    event_time = made.encoder.event_time
    events = that_may_count(_events(made, version, one), one, sample, event_time)
    found = recount(one, events, sample, event_time)
    return list(zip(used.to_pylist(), found, strict=True))


def _events(made: "MadeFrom", version: "Version", one: "Aggregate") -> Iterator[pa.RecordBatch]:
    """Yield the events as they were when the table of changes was made."""
    own = made.pipeline.spec.events[one.events].source is None
    whose = made.pipeline if own else made.pipeline.landed_as(one.events)
    table = whose.table("dataset" if own else "source")
    versions = {one.events: made.input_of(version, table)}
    yield from read_events(made.pipeline, made.lake, one.events, versions, needed_columns([one]))


def that_may_count(
    events: Iterator[pa.RecordBatch], one: "Aggregate", sample: pa.RecordBatch, event_time: str
) -> Iterator[pa.RecordBatch]:
    """Yield the events of sampled entities that lie in the window of some sampled row.

    Python counts what is left one by one; a year of events would take it minutes. An event left out
    by mistake differs from the table of changes, and is no silent pass.
    """
    wanted = {event: pc.unique(sample.column(row)) for event, row in one.entity}
    times = np.unique(_microseconds(sample.column(event_time).drop_null()))
    last = np.append(times, FOREVER)  # What comes after the last row's time is before none.
    window = one.window_microseconds
    for batch in events:
        happened = _microseconds(batch.column(EVENT_TIME).fill_null(0))
        after = last[np.searchsorted(times, happened, "right")]  # The first row's time after it.
        counts = after < FOREVER if window is None else after - window <= happened
        kept = batch.filter(pa.array(counts))
        for event, values in wanted.items():
            column = kept.column(event)
            coded = pa.types.is_dictionary(column.type)
            plain = column.dictionary_decode() if coded else column
            kept = kept.filter(pc.is_in(plain, values))
        yield kept


def _microseconds(times: pa.Array) -> NDArray[np.int64]:
    return np.asarray(times.cast(pa.timestamp("us", tz="UTC")).cast(pa.int64()))


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
