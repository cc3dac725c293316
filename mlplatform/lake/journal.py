"""What vacuums freed, written down before anything is removed: `_vacuum/<time>-<random>.json`.

Whoever misses a file reads here whether it was freed on purpose or lost.
"""

import json
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime

from mlplatform.errors import CorruptionError, FreedError, LakeError
from mlplatform.lake.storage import Storage

FOLDER = "_vacuum"


@dataclass(frozen=True, kw_only=True)
class FreedTable:
    """Versions of a table that cannot be read any more, and the names of the files that went."""

    versions: tuple[int, ...] = ()
    files: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Freed:
    """One vacuum: when, by whom, with which grace, and all that it set out to remove."""

    at: datetime
    by: str
    grace_days: float
    bytes: int
    tables: Mapping[str, FreedTable] = field(default_factory=dict)
    artifacts: tuple[str, ...] = ()


def write(storage: Storage, freed: Freed) -> str:
    """Keep the record, durable, and return where; `LakeError` when the storage refuses."""
    path = f"{FOLDER}/{freed.at:%Y%m%dT%H%M%S}-{uuid.uuid4().hex[:8]}.json"
    says = {**asdict(freed), "at": freed.at.isoformat()}
    storage.create(path, json.dumps(says, sort_keys=True).encode())
    return path


def history(storage: Storage) -> Iterator[Freed]:
    """Yield every vacuum, newest first.

    Raises:
        CorruptionError: If a record cannot be read.
    """
    for name in sorted(storage.entries(FOLDER), reverse=True):
        if name.endswith(".json"):
            yield _read(storage, f"{FOLDER}/{name}")


def freed_files(storage: Storage) -> dict[str, set[str]]:
    """Return the names of all files that vacuums set out to remove, by table; errors as of `history`."""
    found: dict[str, set[str]] = {}
    for freed in history(storage):
        for table, says in freed.tables.items():
            found.setdefault(table, set()).update(says.files)
    return found


def missing_file(storage: Storage, table: str, file: str, number: int, asked: int) -> LakeError:
    """Return the error of a file that is not there: freed by a vacuum, or lost.

    Args:
        storage: Where the table lies.
        table: Its name.
        file: Name of the file.
        number: The version that wrote it.
        asked: The version that cannot be read without it.
    """
    found = (f for f in history(storage) if file in f.tables.get(table, FreedTable()).files)
    freed = next(found, None)
    if freed is None:
        where = f"{storage.uri(f'{table}/{file}')} (version {number} of {table})"
        return CorruptionError(f"{where} is missing; restore it")
    return FreedError(f"version {asked} of {table} {_said(freed)}; read a version that is kept")


def freed_artifact(storage: Storage, digest: str) -> str:
    """Return in words that a vacuum freed an artifact; empty if none did."""
    freed = next((f for f in history(storage) if digest in f.artifacts), None)
    return _said(freed) if freed else ""


def _said(freed: Freed) -> str:
    day = freed.at.isoformat(sep=" ", timespec="minutes")
    return f"was freed by the vacuum of {freed.by} on {day}: no lease held it"


def _read(storage: Storage, path: str) -> Freed:
    try:
        says = json.loads(storage.read(path))
        tables = {
            name: FreedTable(versions=tuple(t["versions"]), files=tuple(t["files"]))
            for name, t in says["tables"].items()
        }
        return Freed(
            at=datetime.fromisoformat(says["at"]),
            by=str(says["by"]),
            grace_days=float(says["grace_days"]),
            bytes=int(says["bytes"]),
            tables=tables,
            artifacts=tuple(says["artifacts"]),
        )
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        where = storage.uri(path)
        raise CorruptionError(
            f"vacuum record {where} is damaged ({error}); restore or remove it"
        ) from error
