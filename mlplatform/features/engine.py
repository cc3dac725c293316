"""What maps the batch function over a table: this machine's threads, or Daft on a Ray cluster.

Both run the same function of the same artifact on the same rows and keep their order, so they make
the same table, bit by bit.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Protocol

import pyarrow as pa

from mlplatform.errors import FeatureError
from mlplatform.features.batch_function import BatchFunction
from mlplatform.features.statistics import Statistics
from mlplatform.features.table_rows import in_order

if TYPE_CHECKING:
    from mlplatform.lake import Table, Version

ENGINES = ("local", "daft")
THREADS = 2  # XLA spreads one batch over the cores too; more threads only hold more batches.


class Mapped(NamedTuple):
    """Some rows: the batch they came as, their feature columns, and what was counted of them."""

    rows: pa.RecordBatch
    features: pa.RecordBatch
    statistics: Statistics


class Engine(Protocol):
    """Maps a batch function over rows in order, in constant memory."""

    @property
    def reads_rows(self) -> bool:
        """Whether the batches given to `map` must hold the columns that the function reads."""
        ...

    def map(
        self, function: BatchFunction, batches: Iterable[pa.RecordBatch], first_row: int = 0
    ) -> Iterator[Mapped]:
        """Yield all rows of `batches` in order, with their features.

        Args:
            function: What to compute.
            batches: The rows, with `row_id` and whatever shall come with the features.
            first_row: Number of the first one in its table, for messages.

        Raises:
            FeatureError: Naming row and column of the first value that does not fit.
        """
        ...


@dataclass(frozen=True)
class Local:
    """Threads of this process."""

    threads: int = THREADS
    reads_rows: bool = True

    def map(
        self, function: BatchFunction, batches: Iterable[pa.RecordBatch], first_row: int = 0
    ) -> Iterator[Mapped]:
        """Yield all rows in order; a few batches are computed ahead."""

        def mapped(item: tuple[pa.RecordBatch, int]) -> Mapped:
            batch, row = item
            return Mapped(batch, *function.counted(batch, row))

        return in_order(mapped, _numbered(batches, first_row), self.threads)


def engine(name: str, table: "Table", version: "Version", address: str = "") -> Engine:
    """Return the engine of this name for the rows of a dataset version.

    Args:
        name: One of `ENGINES`.
        table: The dataset, which a cluster's workers read by themselves.
        version: What of it.
        address: Of the Ray cluster; empty starts one on this machine.

    Raises:
        FeatureError: If there is no such engine, or what it needs is not installed.
    """
    if name == "local":
        return Local()
    if name == "daft":
        from mlplatform.features.engine_daft import Daft

        return Daft(table, version, address)
    raise FeatureError(f"engine {name!r} is unknown; known: {', '.join(ENGINES)}")


def _numbered(
    batches: Iterable[pa.RecordBatch], first_row: int
) -> Iterator[tuple[pa.RecordBatch, int]]:
    row = first_row
    for batch in batches:
        yield batch, row
        row += batch.num_rows
