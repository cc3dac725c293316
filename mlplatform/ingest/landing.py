"""Carries out a plan: everything is read and staged first, and only then committed.

Rejected records of a file go to quarantine before its rows are committed, each by a token that is
the file's identity. So a landing that is killed anywhere leaves whole commits only, and the next
one ends in the same tables.
"""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pyarrow as pa

from mlplatform.errors import PlatformError, SourceError
from mlplatform.ingest import quarantine
from mlplatform.ingest.landed import File, Landed, with_fact
from mlplatform.ingest.parts import Part, Plan
from mlplatform.ingest.spill import Rejects

if TYPE_CHECKING:
    from mlplatform.lake import Lineage, Table, Version
    from mlplatform.lake.staged import Staged

NO_TABLE = -1  # What a first commit expects to find.


@dataclass(frozen=True)
class Place:
    """Where a landing goes: both tables, the schema of rows, and how files are read."""

    table: "Table"
    quarantine: "Table"
    schema: pa.Schema
    reading: str


@dataclass(frozen=True)
class _Taken:
    """Rows that are staged, and the files they are of."""

    staged: "Staged"
    files: Sequence[File]
    rejects: Sequence[Rejects]


def carry_out(plan: Plan, place: Place, landed: Landed, lineage: "Lineage") -> "Version | None":
    """Return the version after the plan: the newest one when there was nothing to land.

    Raises:
        SourceError: If a part is refused; then nothing was committed.
        ConcurrentWriteError: If another landing came first; this one can be planned again.
    """
    with TemporaryDirectory(prefix="mlplatform-landing-") as folder:
        taken: list[_Taken] = []
        try:
            for parts in [plan.parts] if plan.replace else ([part] for part in plan.parts):
                taken.append(_take(parts, plan, place, Path(folder) / str(len(taken))))
            files = [file for each in taken for file in each.files]
            if plan.unless(files):
                if not plan.follow or files[-1].mark == landed.mark:
                    return landed.newest
                plan = replace(plan, mark=files[-1].mark)
                taken = [replace(each, files=[], rejects=[]) for each in taken]
            return _commit(taken, plan, place, landed, lineage)
        finally:  # What is committed, or may be, was taken from the list.
            for each in taken:
                each.staged.discard()


def _take(parts: Iterable[Part], plan: Plan, place: Place, spill: Path) -> _Taken:
    from mlplatform.lake.staged import stage

    read: list[tuple[Part, int, Rejects]] = []

    def rows() -> Iterator[pa.RecordBatch]:
        for part in parts:
            rejects, count = Rejects(spill.with_name(f"{spill.name}-{len(read)}")), 0
            with closing(rejects), _explained(part.name):
                for chunk in part.chunks():
                    rejects.write(chunk.rejected)
                    count += chunk.rows.num_rows
                    yield chunk.rows
            read.append((part, count, rejects))

    staged = stage(place.table, pa.RecordBatchReader.from_batches(place.schema, rows()))
    try:
        files = [_file(part, count, rejects, staged.digest) for part, count, rejects in read]
        for file in files:
            plan.check(file)
    except BaseException:
        staged.discard()
        raise
    return _Taken(staged, files, [rejects for _, _, rejects in read])


def _file(part: Part, rows: int, rejects: Rejects, digest: str) -> File:
    content = hashlib.sha256(f"{digest}{rejects.digest}".encode()).hexdigest()
    file = part.file(rows, content)
    if not rejects.rows:
        return file
    return replace(file, rejected=rejects.rows, reasons=rejects.reasons)


def _commit(
    taken: list[_Taken], plan: Plan, place: Place, landed: Landed, lineage: "Lineage"
) -> "Version | None":
    """Commit each in turn; `taken` keeps those that no commit can name."""
    generation = landed.generation + plan.replace
    version = landed.newest
    while taken:
        each = taken[0]
        _quarantine(each, place, lineage)
        identities = [file.identity(place.reading) for file in each.files]
        whole = hashlib.sha256("".join([*identities, plan.mark]).encode()).hexdigest()
        del taken[0]
        version = each.staged.commit(
            with_fact(lineage, generation, place.reading, each.files, plan.mark, plan.withdrawn),
            token=f"{whole}-{generation}",
            expected=version.number if version else NO_TABLE,
            replace=plan.replace,
        )
    return version


def _quarantine(taken: _Taken, place: Place, lineage: "Lineage") -> None:
    for file, rejects in zip(taken.files, taken.rejects, strict=True):
        if rejects.rows:
            token = file.identity(place.reading)
            quarantine.append(place.quarantine, rejects, token, lineage)


@contextmanager
def _explained(name: str) -> Iterator[None]:
    """Turn what a reader did not put into words into one line."""
    try:
        yield
    except PlatformError:
        raise
    except (OSError, pa.ArrowException) as wrong:
        said = str(wrong).splitlines() or [type(wrong).__name__]
        raise SourceError(f"{name}: cannot be landed: {said[0]}") from None
