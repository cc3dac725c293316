"""What one commit of ours says: the metadata in a Delta log entry, written and read back.

Everything lives under the key `mlplatform` of `commitInfo`, sealed by its sha256, so that a
damaged, swapped or foreign log entry is told from a sound one without opening the table.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from mlplatform.lake.version import Lineage, Version

KEY, SEAL = "mlplatform", "mlplatform_sha256"
APPEND, OVERWRITE = "append", "overwrite"
COMPACT = "compact"  # The rows of the version before it, in fewer files; no version of its own.

Columns = tuple[tuple[str, str], ...]  # Name and Arrow type of each column.


class DamagedError(Exception):
    """A log entry does not say what it should; the message says why. Never leaves this room."""


@dataclass(frozen=True, kw_only=True)
class DataFile:
    """One Parquet file: path inside the table, sha256 and size of its bytes, rows in it."""

    path: str
    sha256: str
    bytes: int
    rows: int


@dataclass(frozen=True, kw_only=True)
class Batch:
    """Data written but not yet committed: its logical digest, Arrow schema, columns and file."""

    digest: str
    schema: Any
    columns: Columns
    file: DataFile


@dataclass(frozen=True, kw_only=True)
class Commit:
    """One entry of a table's log."""

    version: Version
    kind: str
    token: str
    parent: str  # The parent's `Version.reference`; empty for the first.
    base: int  # The commits from this version on, in order, hold the rows.
    columns: Columns
    files: tuple[DataFile, ...]

    @property
    def stands_for(self) -> int:
        """Number of the version whose rows it completes: its own, or the one that it compacted."""
        if self.kind == COMPACT:
            return int(self.parent.partition(":")[0])
        return self.version.number


def compose(
    kind: str, table: str, token: str, batch: Batch, lineage: Lineage, parent: Commit | None
) -> Commit:
    """Return the commit that puts `batch` on `parent`: behind its rows, or instead of them."""
    digest, rows = batch.digest, batch.file.rows
    number = parent.version.number + 1 if parent else 0
    if kind == APPEND:
        before = parent.version.digest if parent else ""
        digest = hashlib.sha256(f"{before}{batch.digest}".encode()).hexdigest()
        rows += parent.version.rows if parent else 0
    version = Version(
        table=table,
        number=number,
        digest=digest,
        rows=rows,
        lineage=lineage,
        committed_at=datetime.now(UTC),
    )
    return Commit(
        version=version,
        kind=kind,
        token=token,
        parent=parent.version.reference if parent else "",
        base=parent.base if parent and kind == APPEND else number,
        columns=batch.columns,
        files=(batch.file,),
    )


def to_metadata(commit: Commit) -> dict[str, Any]:
    """Return what goes into `commitInfo`."""
    v, lineage = commit.version, commit.version.lineage
    says = {
        "kind": commit.kind,
        "token": commit.token,
        "table": v.table,
        "number": v.number,
        "parent": commit.parent,
        "base": commit.base,
        "digest": v.digest,
        "rows": v.rows,
        "committed_at": v.committed_at.isoformat(),
        "asset": lineage.asset,
        "run_id": lineage.run_id,
        "code_version": lineage.code_version,
        "recipe": lineage.recipe,
        "inputs": dict(lineage.inputs),
        "facts": dict(lineage.facts),
        "columns": [list(column) for column in commit.columns],
        "files": [asdict(file) for file in commit.files],
    }
    return {KEY: says, SEAL: _seal(says)}


def parse(table: str, number: int, data: bytes) -> Commit:
    """Read one log entry.

    Raises:
        DamagedError: If it is empty, no JSON, not ours, altered, or belongs elsewhere.
    """
    info, added = _actions(data)
    says = info.get(KEY)
    if not isinstance(says, dict):
        raise DamagedError(
            f"was not written by the lake ({info.get('operation', 'no commitInfo')})"
        )
    if info.get(SEAL) != _seal(says):
        raise DamagedError("does not match its own sha256")
    if (says["table"], says["number"]) != (table, number):
        raise DamagedError(f"belongs to version {says['number']} of {says['table']}")
    commit = _from_metadata(says)
    if added != [file.path for file in commit.files]:
        raise DamagedError("adds other files than its manifest names")
    return commit


def _actions(data: bytes) -> tuple[Mapping[str, Any], list[str]]:
    if not data.strip():
        raise DamagedError("is empty")
    info: Mapping[str, Any] = {}
    added = []
    try:
        for line in data.decode().splitlines():
            if line.startswith('{"remove":') and line.endswith("}}"):
                continue  # Thousands in a compaction, which says nothing here.
            action = json.loads(line) if line else {}
            info = action.get("commitInfo", info)
            if "add" in action:
                added.append(action["add"]["path"])
    except (ValueError, AttributeError, TypeError, KeyError) as error:
        raise DamagedError(f"is not a Delta commit ({error})") from error
    return info, added


def _from_metadata(says: Mapping[str, Any]) -> Commit:
    lineage = Lineage(
        asset=says["asset"],
        run_id=says["run_id"],
        code_version=says["code_version"],
        recipe=says["recipe"],
        inputs=says["inputs"],
        facts=says["facts"],
    )
    version = Version(
        table=says["table"],
        number=says["number"],
        digest=says["digest"],
        rows=says["rows"],
        lineage=lineage,
        committed_at=datetime.fromisoformat(says["committed_at"]),
    )
    return Commit(
        version=version,
        kind=says["kind"],
        token=says["token"],
        parent=says["parent"],
        base=says["base"],
        columns=tuple((name, type_) for name, type_ in says["columns"]),
        files=tuple(DataFile(**file) for file in says["files"]),
    )


def _seal(says: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(says, sort_keys=True).encode()).hexdigest()
