"""Aggregates for one row: a key-value view of the table of changes, which many threads may read."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
import pyarrow as pa

from mlplatform.errors import ServingError

Asked = tuple[str, str, int]  # An aggregate's key, an entity, and an instant in microseconds.
Run = tuple[str, str, int, int]  # An aggregate's key, an entity, and its changes: from, to before.


class OnlineStoreError(ServingError):
    """The online store cannot be reached, is being loaded, or does not hold what is asked."""


@runtime_checkable
class OnlineStore(Protocol):
    """The newest loaded version of a table of changes, its whole history included.

    The exam of every implementation is `mlplatform.testing.online_store_contract`.
    """

    @property
    def version(self) -> str | None:
        """Reference of the version that look-ups now answer from; None before the first load."""
        ...

    @property
    def answered(self) -> str | None:
        """Reference of the version that was last answered from or told; costs nothing, for it asks nobody."""
        ...

    def load(
        self,
        reference: str,
        changes: Iterable[pa.RecordBatch],
        aggregates: Iterable[str] | None = None,
    ) -> None:
        """Replace what the store holds. Readers see all of the old version, or all of the new.

        Killed or failed on the way, it leaves the old one.

        Args:
            reference: The version's `reference`.
            changes: The table of changes, in its order.
            aggregates: Keys that the version has, also those without any change, so that a look-up
                in any other is refused; by default none is.

        Raises:
            OnlineStoreError: If somebody else is loading; try again later.
        """
        ...

    def lookup(self, aggregate: str, entity: str, at_us: int) -> float | None:
        """Return the value of the last change up to an instant, that included.

        None before the first, and where the change says that there is nothing to tell.

        Raises:
            OnlineStoreError: If nothing was ever loaded, or the aggregate is not known.
        """
        ...

    def lookups(self, asked: Sequence[Asked]) -> list[float | None]:
        """Return what `lookup` does for each, all from one version."""
        ...

    def close(self) -> None:
        """Let go of files and connections."""
        ...


def open_store(place: str | Path, name: str) -> OnlineStore:
    """Return the store at `place`: `redis://…`, `rediss://…` or `unix://…`, else a folder.

    Args:
        place: Where it is.
        name: Whose it is: a pipeline's name, so that several share one place.
    """
    if str(place).startswith(("redis://", "rediss://", "unix://")):
        from mlplatform.features.aggregates.redis_store import RedisStore

        return RedisStore(str(place), name)
    from mlplatform.features.aggregates.sqlite_store import SqliteStore

    return SqliteStore(Path(place) / f"{name.replace('/', '.')}.sqlite")


def require_known(
    reference: str | None, keys: frozenset[str] | None, asked: Sequence[Asked]
) -> None:
    """Raise `OnlineStoreError` if nothing is loaded, or not every aggregate that is asked for."""
    if reference is None:
        raise OnlineStoreError("the online store is empty; load the aggregates first")
    if keys is not None:
        unknown = {key for key, _, _ in asked} - keys
        if unknown:
            raise OnlineStoreError(
                f"version {reference} in the online store has no aggregate {min(unknown)};"
                " materialise the aggregates and load them"
            )


def runs(batch: pa.RecordBatch) -> Iterator[Run]:
    """Yield the rows of a batch by aggregate and entity; what a batch cuts comes in two runs."""
    columns = [batch.column(name).dictionary_encode() for name in ("aggregate", "entity")]
    codes = [column.indices.to_numpy() for column in columns]
    new = np.zeros(batch.num_rows + 1, bool)
    new[0] = new[-1] = True
    for code in codes:
        new[1:-1] |= np.diff(code) != 0
    bounds = np.flatnonzero(new) if batch.num_rows else np.zeros(0, np.int64)
    aggregates, entities = (column.dictionary.to_pylist() for column in columns)
    for begin, end in zip(bounds[:-1].tolist(), bounds[1:].tolist(), strict=True):
        yield aggregates[codes[0][begin]], entities[codes[1][begin]], begin, end
