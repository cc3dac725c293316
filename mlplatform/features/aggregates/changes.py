"""The table of changes: for each entity the instants at which an aggregate's value becomes another."""

from collections.abc import Callable, Iterable, Iterator, Mapping

import numpy as np
import pyarrow as pa

from mlplatform.features.aggregates.counted import Counted, counted
from mlplatform.features.aggregates.exact import limbs, rounded
from mlplatform.features.aggregates.timeline import Timeline, best, timeline, totals
from mlplatform.features.aggregates.times import TIMESTAMP
from mlplatform.features.declare.aggregate import Aggregate

SCHEMA = pa.schema(
    [
        pa.field("aggregate", pa.string()),  # Its key.
        pa.field("entity", pa.string()),  # JSON array of its parts.
        pa.field("at", TIMESTAMP),  # From then on, this instant included.
        pa.field("value", pa.float64()),  # Null: there is nothing to tell.
    ]
)
BATCH_ROWS = 65_536


def changes(aggregate: Aggregate, events: Iterable[pa.RecordBatch]) -> pa.Table:
    """Return the changes of one aggregate, by entity and time, with columns as in `SCHEMA`.

    An event that happened at e, became known at k and has a window w counts at the instants t with
    e < t, k < t and t - w <= e: from max(e, k) + 1 microsecond until e + w + 1. A change's value
    holds from `at` until the entity's next. Before the first, counts and sums are 0, others null.
    Neither the order of the events nor how they are cut into batches changes a bit.

    Takes about 400 bytes of memory an event.

    Args:
        aggregate: What to compute.
        events: The events' columns, and when they and single columns of them happened and became
            known, by `read_events`. Those without one of the two, of the entity's parts or of the value do not count.

    Raises:
        FeatureError: Naming event table, column and row of a value that is not finite or whose
            magnitude is 2^62 or more; or if a column is missing or of another type.
    """
    return pa.Table.from_batches(change_batches(aggregate, events), SCHEMA)


def change_batches(
    aggregate: Aggregate, events: Iterable[pa.RecordBatch]
) -> Iterator[pa.RecordBatch]:
    """Yield what `changes` returns, `BATCH_ROWS` at a time."""
    found = counted(aggregate, events)
    line = timeline(found)
    values = _FUNCTIONS[aggregate.function](found, line)
    changed = _changed(line, values, nothing(aggregate))
    for at in range(0, len(changed), BATCH_ROWS):
        yield _batch(aggregate, found, line, values, changed[at : at + BATCH_ROWS])


def nothing(aggregate: Aggregate) -> float | None:
    """Return the value over no events."""
    return 0.0 if aggregate.function in ("count", "sum") else None


def _changed(line: Timeline, values: np.ndarray, before: float | None) -> np.ndarray:
    """Return the places at which the value is another one than until then; NaN is null."""
    previous = np.where(line.begins, np.nan if before is None else before, np.roll(values, 1))
    same = (values == previous) | (np.isnan(values) & np.isnan(previous))
    return np.flatnonzero(~same)


def _batch(
    aggregate: Aggregate, found: Counted, line: Timeline, values: np.ndarray, rows: np.ndarray
) -> pa.RecordBatch:
    columns = [
        pa.repeat(aggregate.key, len(rows)),
        found.entities.take(pa.array(line.entity[rows])),
        pa.array(line.at[rows]).cast(TIMESTAMP),
        pa.array(values[rows], from_pandas=True),  # NaN is null.
    ]
    return pa.RecordBatch.from_arrays(columns, schema=SCHEMA)


def _count(found: Counted, line: Timeline) -> np.ndarray:
    return totals(line, np.ones(len(found.time), np.int64)).astype(np.float64)


def _sum(found: Counted, line: Timeline) -> np.ndarray:
    return rounded(np.stack([totals(line, limb) for limb in limbs(found.values)]))


def _mean(found: Counted, line: Timeline) -> np.ndarray:
    """The sum, rounded, divided by the count; NaN over none."""
    count = _count(found, line)
    return np.where(count > 0, _sum(found, line) / np.maximum(count, 1), np.nan)


def _first_by(*keys: Callable[[Counted], np.ndarray]) -> Callable[[Counted, Timeline], np.ndarray]:
    """The value of the event that is highest by the first key, then by the next; NaN over none."""

    def value(found: Counted, line: Timeline) -> np.ndarray:
        order = np.lexsort([key(found) for key in reversed(keys)])
        ranks = np.empty(len(order), np.int64)
        ranks[order] = np.arange(len(order))
        values = np.append(found.values.astype(np.float64)[order], np.nan)
        result: np.ndarray = values[best(line, ranks)]  # -1, for none, is the last.
        return result

    return value


_FUNCTIONS: Mapping[str, Callable[[Counted, Timeline], np.ndarray]] = {
    "count": _count,
    "sum": _sum,
    "mean": _mean,
    "min": _first_by(lambda found: -found.values),
    "max": _first_by(lambda found: found.values),
    "last": _first_by(
        lambda found: found.time, lambda found: found.known, lambda found: found.values
    ),
}
