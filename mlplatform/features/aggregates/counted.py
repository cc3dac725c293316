"""The events that count for an aggregate, as arrays: whose they are, from when until when, and what they say."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mlplatform.errors import FeatureError
from mlplatform.features.aggregates import entity, where
from mlplatform.features.aggregates.events import EVENT_TIME, known
from mlplatform.features.aggregates.exact import LIMIT
from mlplatform.features.aggregates.times import ticks
from mlplatform.features.columns import NUMBERS, column_of, kind_of
from mlplatform.features.declare.aggregate import Aggregate
from mlplatform.features.instants import LAST

MAX_WINDOW = 400_000_000_000_000_000  # More microseconds than years 1 to 9999 have.


@dataclass(frozen=True)
class Counted:
    """Events in the order they came, all arrays of length n.

    Attributes:
        entities: Distinct entities, sorted; some may have no event.
        entity: int64, each event's place in `entities`.
        time: int64 microseconds: when it happened.
        known: int64 microseconds: when it and what the aggregate reads of it became known.
        enters: int64 microseconds: the first instant at which it counts.
        leaves: int64 microseconds: the first at which it does no more; past `instants.LAST` for never.
        values: int64 or float64 of the aggregate's column; float64 zeros for a count.
    """

    entities: pa.Array
    entity: np.ndarray
    time: np.ndarray
    known: np.ndarray
    enters: np.ndarray
    leaves: np.ndarray
    values: np.ndarray


def counted(aggregate: Aggregate, events: Iterable[pa.RecordBatch]) -> Counted:
    """Return the events that count at some instant; errors as in `changes`."""
    kept = list(_kept(aggregate, events))
    if not kept:
        kept = [(pa.nulls(0, pa.string()), *(np.zeros(0, np.int64) for _ in range(2)), np.zeros(0))]
    whose, times, knowns, values = zip(*kept, strict=True)
    entities, places = _sorted_places(pa.chunked_array(whose, pa.string()))
    time, known_at = np.concatenate(times), np.concatenate(knowns)
    window = aggregate.window_microseconds
    enters = np.maximum(time, known_at) + 1
    leaves = time + min(MAX_WINDOW if window is None else window, MAX_WINDOW) + 1
    some = (enters < leaves) & (enters <= LAST)
    arrays = (places, time, known_at, enters, leaves, np.concatenate(values))
    return Counted(entities, *(array[some] for array in arrays))


def _kept(
    aggregate: Aggregate, events: Iterable[pa.RecordBatch]
) -> Iterator[tuple[pa.Array, np.ndarray, np.ndarray, np.ndarray]]:
    """Yield entity, time, known time and value of the events that have all of them and meet the conditions."""
    first_row = 0
    for batch in events:
        whose = entity.texts(batch, [event for event, _ in aggregate.entity])
        times, known_at = batch.column(EVENT_TIME), known(aggregate, batch)
        has_all = pc.and_(whose.is_valid(), pc.and_(times.is_valid(), known_at.is_valid()))
        some = has_all.to_numpy(zero_copy_only=False) & where.met(batch, aggregate.where)
        values, valid = _values(aggregate, batch)
        some &= valid
        _check(aggregate, values, some, first_row)
        arrays = (ticks(times)[some], ticks(known_at)[some], values[some])
        yield (whose.filter(pa.array(some)), *arrays)
        first_row += batch.num_rows


def _values(aggregate: Aggregate, batch: pa.RecordBatch) -> tuple[np.ndarray, np.ndarray]:
    """Return the values of the aggregate's column, and bool[rows]: which there are."""
    if aggregate.column is None:
        return np.zeros(batch.num_rows), np.ones(batch.num_rows, bool)
    column = column_of(batch, aggregate.column)
    kind = kind_of(column.type)
    if kind not in NUMBERS:
        raise FeatureError(
            f"events {aggregate.events!r}: column {aggregate.column!r} holds {column.type};"
            f" aggregate {aggregate.name!r} needs a number"
        )
    wide = pa.int64() if kind == "int64" else pa.float64()
    valid = column.is_valid().to_numpy(zero_copy_only=False)
    values = column.cast(wide).fill_null(0).to_numpy()
    return (values if kind == "int64" else values + 0.0), valid  # No negative zero.


def _check(aggregate: Aggregate, values: np.ndarray, some: np.ndarray, first_row: int) -> None:
    fit = (values > -LIMIT) & (values < LIMIT)  # No NaN does.
    wrong = np.flatnonzero(some & ~fit)
    if len(wrong):
        raise FeatureError(
            f"events {aggregate.events!r}: row {first_row + wrong[0]}: column"
            f" {aggregate.column!r} is {values[wrong[0]]}; aggregate {aggregate.name!r} needs a"
            " finite number between -2^62 and 2^62, or null where there is none"
        )


def _sorted_places(whose: pa.ChunkedArray) -> tuple[pa.Array, np.ndarray]:
    """Return the distinct entities in order, and each event's place among them."""
    coded = whose.dictionary_encode().unify_dictionaries().combine_chunks()
    order = pc.sort_indices(coded.dictionary).to_numpy()
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))
    return coded.dictionary.take(pa.array(order)), place[coded.indices.to_numpy()]
