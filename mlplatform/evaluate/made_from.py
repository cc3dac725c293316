"""What a `features` table was made from, as its own commit says: rows, fitted state, aggregates."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from mlplatform.errors import LakeError
from mlplatform.features.inputs import columns_of
from mlplatform.features.state import CrossState, FunctionState

if TYPE_CHECKING:
    from mlplatform.features.declare import Aggregate
    from mlplatform.features.encoder import Encoder
    from mlplatform.features.state import State
    from mlplatform.lake import Lake, Version
    from mlplatform.spec import Pipeline

BATCH_ROWS = 65_536


@dataclass(frozen=True, kw_only=True)
class Reads:
    """What one feature reads, and what came of it.

    Attributes:
        feature: Its name.
        columns: Raw columns, those of its aggregates' entities among them.
        aggregates: Those that it reads.
        vectors: Names of its float columns.
        ids: Names of its ids.
    """

    feature: str
    columns: tuple[str, ...]
    aggregates: "tuple[Aggregate, ...]"
    vectors: tuple[str, ...]
    ids: tuple[str, ...]


@dataclass(frozen=True)
class MadeFrom:
    """One version of a `features` table and what it names."""

    pipeline: "Pipeline"
    lake: "Lake"
    features: "Version"

    @cached_property
    def encoder(self) -> "Encoder":
        """The fitted features."""
        from mlplatform.features.encoder import Encoder

        state = self.lake.artifacts.open(self.features.lineage.facts["state"])
        return Encoder.from_json(state.read("features.json"))

    @cached_property
    def dataset(self) -> "Version":
        """The raw rows."""
        return self.input_of(self.features, self.pipeline.table("dataset"))

    @cached_property
    def aggregates(self) -> "Version | None":
        """The changes of aggregates; None where the features read none."""
        if not self.encoder.aggregates:
            return None
        return self.input_of(self.features, self.pipeline.table("aggregates"))

    @cached_property
    def reads(self) -> list[Reads]:
        """What each feature reads, in order."""
        return [_reads(self.encoder, state) for state in self.encoder.states]

    def rows(
        self, columns: Sequence[str], batch_rows: int = BATCH_ROWS
    ) -> Iterator[pa.RecordBatch]:
        """Yield these columns of the raw rows, in order; nothing where none is asked for."""
        if columns:
            table = self.lake.table(self.dataset.table)
            yield from table.batches(self.dataset, list(columns), batch_rows)

    def stored(
        self, columns: Sequence[str], batch_rows: int = BATCH_ROWS
    ) -> Iterator[pa.RecordBatch]:
        """Yield these columns of the feature table, in order."""
        table = self.lake.table(self.features.table)
        yield from table.batches(self.features, list(columns), batch_rows)

    def sampled(self, columns: Sequence[str], most: int) -> pa.RecordBatch:
        """Return these columns of at most `most` raw rows, spread evenly over all."""
        places, first = spread(self.dataset.rows, most), 0
        kept = []
        for batch in self.rows(columns):
            inside = places[(places >= first) & (places < first + batch.num_rows)]
            kept.append(batch.take(pa.array(inside - first)))
            first += batch.num_rows
        return pa.Table.from_batches(kept).combine_chunks().to_batches()[0]

    def input_of(self, version: "Version", table: str) -> "Version":
        """Return the version of `table` that another version was made from.

        Raises:
            LakeError: If its commit names none.
        """
        inputs: Mapping[str, str] = version.lineage.inputs
        if table not in inputs:
            which = f"{version.table} {version.reference}"
            raise LakeError(f"{which} names no {table}; materialise it again")
        return self.lake.table(table).version(int(inputs[table].partition(":")[0]))


def spread(rows: int, most: int) -> NDArray[np.int64]:
    """Return at most `most` of the places 0 to `rows` - 1, evenly spread, ascending, both ends among them."""
    return np.unique(np.linspace(0, rows - 1, min(rows, most)).round().astype(np.int64))


def _reads(encoder: "Encoder", state: "State") -> Reads:
    found = [name for place in _places(state) for name in columns_of(encoder.inputs[place])]
    named = {one.name: one for one in encoder.aggregates}
    aggregates = tuple(dict.fromkeys(named[name] for name in found if name in named))
    raw = [name for name in found if name not in named]
    raw += [name for one in aggregates for name in one.row_columns]
    return Reads(
        feature=state.name,
        columns=tuple(dict.fromkeys(raw)),
        aggregates=aggregates,
        vectors=state.vectors,
        ids=tuple(state.ids),
    )


def _places(state: "State") -> tuple[int, ...]:
    """Places of the inputs a feature reads; a cross reads other features, which tell of themselves."""
    if isinstance(state, CrossState):
        return ()
    return state.inputs if isinstance(state, FunctionState) else (state.input,)
