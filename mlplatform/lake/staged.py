"""Rows written into a table's folder before it is decided that they land.

A landing reads everything first, so that one bad file keeps all of them out, and commits then.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mlplatform.lake.commit import APPEND, OVERWRITE, Batch
from mlplatform.lake.table import Table
from mlplatform.lake.version import Lineage, Version

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True)
class Staged:
    """One durable data file of `table` that no commit names yet."""

    table: Table
    batch: Batch

    @property
    def rows(self) -> int:
        """Return how many rows it has."""
        return self.batch.file.rows

    @property
    def digest(self) -> str:
        """Return the sha256 of their content, however they were chunked."""
        return self.batch.digest

    def commit(
        self, lineage: Lineage, *, token: str, expected: int, replace: bool = False
    ) -> Version:
        """Put the rows behind version `expected` (-1: no table yet), or in its place; once a token.

        Raises:
            ConcurrentWriteError: If the newest version is another; the data file is removed.
            LakeError: If the storage refuses, or the columns are not the table's.
        """
        kind = OVERWRITE if replace else APPEND
        return self.table._commit(kind, token, self.batch, lineage, expected)  # noqa: SLF001 - this room's own.

    def discard(self) -> None:
        """Remove the data file."""
        storage = self.table._storage  # noqa: SLF001 - this room's own.
        storage.remove(f"{self.table.name}/{self.batch.file.path}")


def stage(table: Table, data: "pa.Table | pa.RecordBatchReader") -> Staged:
    """Write the rows in constant memory and return them, durable but in no version.

    Raises:
        LakeError: If a column cannot be stored or the storage refuses; what `data` raises goes
            through, and leaves no file.
    """
    return Staged(table, table._written(data))  # noqa: SLF001 - this room's own.
