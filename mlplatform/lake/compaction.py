"""Compaction: the rows of a table's newest version in fewer files, and a Delta checkpoint of its log.

It makes no version: number, digest, rows and lineage stay, older versions keep their own files, and
readers see no difference but speed. What others append meanwhile stays behind the compacted rows.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from mlplatform.errors import CorruptionError, LakeError
from mlplatform.lake import faults
from mlplatform.lake.checkpoint import checkpoint
from mlplatform.lake.commit import COMPACT, Batch, Commit, DataFile
from mlplatform.lake.transaction import UnknownOutcomeError, commit_once

if TYPE_CHECKING:
    from mlplatform.lake.table import Table

MANY_FILES = 16  # From here on opening files takes longer than reading a small table.
FULL_BYTES = 256 << 20  # Files as large are not written again for the small ones behind them.
FACT = "compaction"  # In the commit's facts, beside those of the version it compacts.


class OvertakenError(LakeError):
    """The rows to compact are the table's no more: somebody replaced or compacted them."""


@dataclass(frozen=True, kw_only=True)
class Optimized:
    """What became of a table.

    Attributes:
        table: Its name.
        files: How many files its newest version had, and has.
        bytes: How many bytes they have, before and after.
        compaction: Number of the log entry that compacted it, or None.
        checkpoint: Number of the log entry up to which a checkpoint was written, or None.
        because: Why it was not compacted; empty where it was.
    """

    table: str
    files: tuple[int, int]
    bytes: tuple[int, int]
    compaction: int | None = None
    checkpoint: int | None = None
    because: str = ""


def optimize(
    table: "Table", by: str, *, least_files: int = MANY_FILES, same_groups: bool = False
) -> Optimized:
    """Compact the newest version of a table where it has many files; write a checkpoint where one is due.

    Args:
        table: What to compact.
        by: Who asks: a run or a person; kept in the commit.
        least_files: Fewer files that are not full are left as they are; 2 or more.
        same_groups: Keep what the files hold together in groups; see `mlplatform.train.groups`.

    Raises:
        LakeError: If there is no such table, or the storage refuses; nothing was committed.
        CorruptionError: If a file is not what was written; nothing was committed.
    """
    log = table._log  # noqa: SLF001 - this room's own.
    before = log.as_written(max(log.newest(), 0))
    small, why = len(_small(before)), ""
    if before[-1].kind == COMPACT:
        why = "nothing was written since it was compacted"
    elif small < max(least_files, 2):
        why = f"{small} small file{'s'[: small != 1]}, fewer than {max(least_files, 2)}"
    if why:
        return _optimized(table, before, before[-1], why=why)
    try:
        return _optimized(table, before, _compacted(table, before, by, same_groups=same_groups))
    except OvertakenError as overtaken:
        return _optimized(table, before, before[-1], why=str(overtaken))


def _compacted(table: "Table", before: Sequence[Commit], by: str, *, same_groups: bool) -> Commit:
    """Write the rows of the small files into one, and commit it; returns the commit."""
    storage, log = table._storage, table._log  # noqa: SLF001 - this room's own.
    batch = _written(table, before, same_groups=same_groups)
    faults.point("compacted")
    says = json.dumps([COMPACT, table.name, before[-1].version.reference])
    token = hashlib.sha256(says.encode()).hexdigest()

    def composed(parent: Commit | None) -> Commit:
        now = log.as_written(parent.version.number) if parent else []
        return _compose(now, before, batch, token, by)

    try:
        commit = commit_once(storage, log, token, batch, composed)
    except (UnknownOutcomeError, CorruptionError):
        raise  # The file may be named by a commit.
    except LakeError:
        storage.remove(f"{table.name}/{batch.file.path}")
        raise
    if batch.file not in commit.files:  # Another process compacted the same version first.
        storage.remove(f"{table.name}/{batch.file.path}")
    return commit


def _written(table: "Table", before: Sequence[Commit], *, same_groups: bool) -> Batch:
    """Return the rows of the small files in one durable file, read back and compared.

    Raises:
        CorruptionError: If it does not hold what was read; it was removed then.
    """
    from mlplatform.lake import parquet

    storage = table._storage  # noqa: SLF001 - this room's own.
    small = _small(before)
    commits = [c for c in (_only(commit, small) for commit in before) if c.files]
    schema = parquet.files(storage, commits)[2]
    groups = parquet.groups(storage, commits, as_stored=same_groups)
    batch = parquet.write_groups(storage, table.name, schema, groups)
    if parquet.digest(storage, [replace(commits[-1], files=(batch.file,))]) == batch.digest:
        return batch
    storage.remove(f"{table.name}/{batch.file.path}")
    where = storage.uri(table.name)
    raise CorruptionError(f"{where}: rows read otherwise once compacted; nothing was committed")


def _compose(
    now: Sequence[Commit], before: Sequence[Commit], batch: Batch, token: str, by: str
) -> Commit:
    """Return the commit that puts `batch` where the small files of `before` are among those of `now`.

    Raises:
        OvertakenError: If `now` does not begin with the files of `before`.
    """
    old, found = _files(before), _files(now)
    if found[: len(old)] != old:
        raise OvertakenError("its rows were replaced or compacted meanwhile")
    parent, kept = now[-1], old[: len(old) - len(_small(before))]
    number, lineage = parent.version.number + 1, parent.version.lineage
    says = {"by": by, "files": len(old) - len(kept), "of": parent.version.reference}
    version = replace(
        parent.version,
        number=number,
        lineage=replace(lineage, facts={**lineage.facts, FACT: json.dumps(says)}),
        committed_at=datetime.now(UTC),
    )
    return Commit(
        version=version,
        kind=COMPACT,
        token=token,
        parent=parent.version.reference,
        base=number,
        columns=parent.columns,
        files=(*kept, batch.file, *found[len(old) :]),
    )


def _small(commits: Sequence[Commit]) -> tuple[DataFile, ...]:
    """Return the files behind the last full one."""
    files = _files(commits)
    full = next((at for at, file in enumerate(files) if file.bytes < FULL_BYTES), len(files))
    return files[full:]


def _files(commits: Sequence[Commit]) -> tuple[DataFile, ...]:
    return tuple(file for commit in commits for file in commit.files)


def _only(commit: Commit, files: Sequence[DataFile]) -> Commit:
    return replace(commit, files=tuple(file for file in commit.files if file in files))


def _optimized(table: "Table", before: Sequence[Commit], done: Commit, why: str = "") -> Optimized:
    """Return what became of a table, with a checkpoint if one is due."""
    then, now = _files(before), _files(before) if why else done.files
    return Optimized(
        table=table.name,
        files=(len(then), len(now)),
        bytes=(sum(f.bytes for f in then), sum(f.bytes for f in now)),
        compaction=None if why else done.version.number,
        checkpoint=checkpoint(table, every=None if why else 1),
        because=why,
    )
