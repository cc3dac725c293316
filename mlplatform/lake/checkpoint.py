"""Delta checkpoints: all files of a version in one, so that other Delta readers need no long log.

Nothing of the log goes: each entry is the lineage of its version, and a kept file is found by it alone.
"""

import json
from typing import TYPE_CHECKING

from mlplatform.errors import LakeError, in_words

if TYPE_CHECKING:
    from mlplatform.lake.storage import Storage
    from mlplatform.lake.table import Table

LAST = "_last_checkpoint"
EVERY = 10  # Log entries, as Delta's own writers do (delta.checkpointInterval).


def checkpoint(table: "Table", *, every: int | None = None) -> int | None:
    """Write a checkpoint when the last one is `every` entries old, and return up to which entry; else None.

    Raises:
        LakeError: If it cannot be written; versions are read without it.
    """
    from deltalake import DeltaTable

    storage, newest = table._storage, table._log.newest()  # noqa: SLF001 - this room's own.
    if newest - last(storage, table.name) < (EVERY if every is None else every):
        return None
    try:
        opened = DeltaTable(table.uri, storage_options=storage.options)
        opened.create_checkpoint()
    except Exception as wrong:  # delta-rs raises many kinds.
        raise LakeError(f"{table.uri}: no checkpoint was written: {in_words(wrong)}") from wrong
    number = int(opened.version())
    storage.sync_commit(table.name, number)
    return number


def last(storage: "Storage", table: str) -> int:
    """Return the number of the entry that the last checkpoint reaches, -1 without one that can be told."""
    try:
        return int(json.loads(storage.read(f"{table}/_delta_log/{LAST}"))["version"])
    except (FileNotFoundError, ValueError, TypeError, KeyError):
        return -1
