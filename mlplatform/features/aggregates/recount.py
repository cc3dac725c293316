"""Aggregates from the events themselves, row by row: slow, plain, and without any table of changes."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
import pyarrow as pa

from mlplatform.features.aggregates.events import EVENT_TIME, KNOWN_AT, known_column
from mlplatform.features.columns import column_of
from mlplatform.features.declare.aggregate import COMPARISONS, Aggregate

Entity = tuple[Any, ...]
Event = tuple[int, int, Any]  # When it happened and all that is read of it was known; its value.
FRACTION = 2**40  # Sums are of values rounded to multiples of 2**-40.


def recount(
    aggregate: Aggregate, events: Iterable[pa.RecordBatch], rows: pa.RecordBatch, event_time: str
) -> list[float | None]:
    """Return the aggregate's value for each row, as of its time in the column `event_time`.

    Null where the row lacks its entity or time. Takes one pass over the events, and for each row one
    over those of its entity, which are held in memory as Python values, about 200 bytes each.

    Args:
        aggregate: What to compute.
        events: As `read_events` yields them.
        rows: With the entity's columns and the time.
        event_time: Each row's own time.
    """
    parts = [column_of(rows, name).to_pylist() for name in aggregate.row_columns]
    whose = list(zip(*parts, strict=True)) if parts else [()] * rows.num_rows
    times = _microseconds(column_of(rows, event_time))
    found = _by_entity(aggregate, events, set(whose))
    return [
        None if at is None or None in entity else _value(aggregate, found[entity], at)
        for entity, at in zip(whose, times, strict=True)
    ]


def _by_entity(
    aggregate: Aggregate, events: Iterable[pa.RecordBatch], wanted: set[Entity]
) -> dict[Entity, tuple[np.ndarray, np.ndarray, list[Any]]]:
    """Return times, known times and values of each wanted entity's events that meet the conditions."""
    found: dict[Entity, list[Event]] = {entity: [] for entity in wanted}
    entity = [event for event, _ in aggregate.entity]
    read = {*entity, *(name for name, _, _ in aggregate.where), *filter(None, [aggregate.column])}
    for batch in events:
        columns = {name: column_of(batch, name).to_pylist() for name in read}
        own = {known_column(name) for name in read} & set(batch.schema.names)
        times = [_microseconds(batch.column(name)) for name in (EVENT_TIME, KNOWN_AT, *own)]
        for row, (happened, *knowns) in enumerate(zip(*times, strict=True)):
            of = tuple(columns[name][row] for name in entity)
            value = columns[aggregate.column][row] if aggregate.column else 0
            if None in (happened, *knowns, value) or of not in found:
                continue
            if all(_meets(columns[name][row], how, than) for name, how, than in aggregate.where):
                found[of].append((happened, max(knowns), value))
    return {of: _arrays(events) for of, events in found.items()}


def _arrays(events: list[Event]) -> tuple[np.ndarray, np.ndarray, list[Any]]:
    times = np.array([event[:2] for event in events], np.int64).reshape(-1, 2)
    return times[:, 0], times[:, 1], [event[2] for event in events]


def _meets(value: Any, how: str, than: Any) -> bool:
    return value is not None and bool(COMPARISONS[how](value, than))


def _value(
    aggregate: Aggregate, events: tuple[np.ndarray, np.ndarray, list[Any]], at: int
) -> float | None:
    happened, known, values = events
    counts = (happened < at) & (known < at)
    if aggregate.window_microseconds is not None:
        counts &= happened >= at - aggregate.window_microseconds
    some = [(happened[k], known[k], values[k]) for k in np.flatnonzero(counts)]
    if not some and aggregate.function not in ("count", "sum"):
        return None
    return float(_FUNCTIONS[aggregate.function](some)) + 0.0  # No negative zero.


def _sum(events: list[Event]) -> float:
    """Return the nearest float64: Python divides whole numbers of any size correctly rounded."""
    total: int = sum(round(value * FRACTION) for _, _, value in events)
    return total / FRACTION


_FUNCTIONS: Mapping[str, Callable[[list[Event]], float]] = {
    "count": lambda events: float(len(events)),
    "sum": _sum,
    "mean": lambda events: _sum(events) / len(events),
    "min": lambda events: float(min(value for _, _, value in events)),
    "max": lambda events: float(max(value for _, _, value in events)),
    "last": lambda events: float(max(events)[2]),
}


def _microseconds(values: pa.Array) -> list[int | None]:
    whole = values.cast(pa.timestamp("us", tz="UTC")).cast(pa.int64())
    return list(whole.to_pylist())
