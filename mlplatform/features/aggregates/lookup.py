"""Aggregates for many rows: the table of changes in memory, joined as of each row's time."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mlplatform.errors import FeatureError
from mlplatform.features.aggregates import entity
from mlplatform.features.aggregates.build import FACT
from mlplatform.features.aggregates.changes import nothing
from mlplatform.features.columns import column_of, typed
from mlplatform.features.declare.aggregate import Aggregate
from mlplatform.features.instants import microseconds

if TYPE_CHECKING:
    from mlplatform.lake import Lake, Version


class Lookup:
    """The changes of some aggregates in memory: 24 bytes each, and the entities' texts.

    Args:
        aggregates: Which to look up; others in the table are left out.
        event_time: The column with each row's own time.
        changes: The table of changes, in its order.
    """

    def __init__(
        self, aggregates: Sequence[Aggregate], event_time: str, changes: Iterable[pa.RecordBatch]
    ) -> None:
        self.aggregates, self.event_time = tuple(aggregates), event_time
        wanted = pa.array([one.key for one in self.aggregates], pa.string())
        kept: dict[str, list[pa.RecordBatch]] = {one.key: [] for one in self.aggregates}
        for batch in changes:
            some = batch.filter(pc.is_in(batch.column("aggregate"), wanted))
            for key in some.column("aggregate").unique().to_pylist():
                kept[key].append(some.filter(pc.equal(some.column("aggregate"), key)))
        self._histories = {key: _history(batches) for key, batches in kept.items()}

    @classmethod
    def read(
        cls, lake: "Lake", version: "Version", aggregates: Sequence[Aggregate], event_time: str
    ) -> "Lookup":
        """Return the look-up in a version of the table of changes.

        Raises:
            FeatureError: If the version was made without one of the aggregates.
        """
        require(version, aggregates)
        return cls(aggregates, event_time, lake.table(version.table).batches(version))

    def fill(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Append a float64 column for each aggregate, as of each row's time; null as `Aggregate` says.

        A row without a time has null in all.

        Raises:
            FeatureError: If a column of the entity or the time is missing or of another type, or
                there is one of an aggregate's name already.
        """
        if not self.aggregates:
            return batch
        taken = [one.name for one in self.aggregates if one.name in batch.schema.names]
        if taken:
            raise FeatureError(f"column {taken[0]!r} is there already; the aggregate makes it")
        times = typed(column_of(batch, self.event_time), self.event_time, "timestamp")
        when = microseconds(times, self.event_time)
        timed = times.is_valid().to_numpy(zero_copy_only=False)
        whose: dict[tuple[str, ...], pa.Array] = {}
        for one in self.aggregates:
            columns = one.row_columns
            if columns not in whose:
                whose[columns] = entity.texts(batch, columns).dictionary_encode()
        for one in self.aggregates:
            entities = whose[one.row_columns]
            values = self._histories[one.key].at(entities, when, nothing(one))
            values[~(timed & entities.is_valid().to_numpy(zero_copy_only=False))] = np.nan
            batch = batch.append_column(one.name, pa.array(values, from_pandas=True))
        return batch


def require(version: "Version", aggregates: Sequence[Aggregate]) -> None:
    """Raise `FeatureError` if a version of the table of changes was made without an aggregate."""
    keys = json.loads(version.lineage.facts.get(FACT, "null"))
    for one in aggregates:
        if keys is not None and one.key not in keys:
            raise FeatureError(
                f"{version.table} {version.reference} has no aggregate {one.key};"
                " materialise the aggregates again"
            )


@dataclass(frozen=True)
class _History:
    """The changes of one aggregate.

    Attributes:
        entities: Distinct, string[e].
        times: Distinct instants of change, ascending, int64[d].
        place: int64[c], ascending: the entity's place times (d + 1), plus that of the instant.
        values: float64[c], NaN for null.
    """

    entities: pa.Array
    times: np.ndarray
    place: np.ndarray
    values: np.ndarray

    def at(self, whose: pa.DictionaryArray, when: np.ndarray, before: float | None) -> np.ndarray:
        """Return float64[rows]: the last change of each entity up to int64[rows] microseconds, those included.

        `before` the first; NaN is null.
        """
        distinct = pc.index_in(whose.dictionary, self.entities).fill_null(-1).to_numpy()
        codes = np.append(distinct, -1)[whose.indices.fill_null(len(distinct)).to_numpy()]
        wide = len(self.times) + 1
        until = codes * wide + np.searchsorted(self.times, when, "right")
        found = np.searchsorted(self.place, until, "left") - 1
        some = (codes >= 0) & (found >= 0)
        some[some] = self.place[found[some]] // wide == codes[some]
        values = np.full(len(codes), np.nan if before is None else before)
        values[some] = self.values[found[some]]
        return values


def _history(batches: Sequence[pa.RecordBatch]) -> _History:
    schema = pa.schema([("entity", pa.string()), ("at", pa.int64()), ("value", pa.float64())])
    table = pa.Table.from_batches(
        (
            pa.RecordBatch.from_arrays(
                [b.column("entity"), b.column("at").cast(pa.int64()), b.column("value")],
                schema=schema,
            )
            for b in batches
        ),
        schema,
    )
    coded = table["entity"].dictionary_encode().unify_dictionaries().combine_chunks()
    times, instant = np.unique(table["at"].to_numpy(), return_inverse=True)
    place = coded.indices.to_numpy().astype(np.int64) * (len(times) + 1) + instant
    return _History(coded.dictionary, times, place, table["value"].to_numpy())
