"""The versions a model was made from, each as its own log entry tells it."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING, Any

from mlplatform.errors import LakeError
from mlplatform.provenance.written import earlier, written

if TYPE_CHECKING:
    from mlplatform.lake import Lake
    from mlplatform.lake.commit import Commit

LANDING = "landing"  # `mlplatform.ingest.landed.FACT`, whose import takes 0.5 s.


@dataclass(frozen=True, kw_only=True)
class Step:
    """One version of one table.

    Attributes:
        table: Its name.
        reference: `Version.reference`, number and shortened digest.
        number: Delta version.
        digest: sha256 of the content.
        rows: Rows in it.
        bytes: Of the files its commit added.
        columns: Name and type of each column.
        committed_at: When, in UTC.
        run_id: The run that wrote it.
        code_version: The code that wrote it.
        inputs: Table and reference of each version that was read.
        facts: What else the commit says, files that landed left out.
        problem: Why the log entry cannot be read; empty if it can, and all but the first two are empty if not.
    """

    table: str
    reference: str
    number: int = -1
    digest: str = ""
    rows: int = 0
    bytes: int = 0
    columns: Mapping[str, str] = field(default_factory=dict)
    committed_at: datetime | None = None
    run_id: str = ""
    code_version: str = ""
    inputs: Mapping[str, str] = field(default_factory=dict)
    facts: Mapping[str, str] = field(default_factory=dict)
    problem: str = ""

    @property
    def noun(self) -> str:
        """The asset: the last word of the table's name."""
        return self.table.rpartition("/")[2]


@dataclass(frozen=True, kw_only=True)
class LandedFile:
    """A file, batch or query that landed in a source table."""

    table: str
    version: int
    name: str
    sha256: str
    rows: int
    landed_at: datetime


def steps(lake: "Lake", references: Mapping[str, str]) -> list[Step]:
    """Return a step for each table and reference, every one after those it was made from."""
    found = {table: _step(lake, table, reference) for table, reference in references.items()}
    ordered: dict[str, Step] = {}

    def put(step: Step) -> None:
        for table in sorted(step.inputs):
            if table in found and table not in ordered:
                put(found[table])
        ordered.setdefault(step.table, step)

    for table in sorted(
        found, key=lambda name: (found[name].committed_at is None, str(found[name].committed_at))
    ):
        put(found[table])
    return list(ordered.values())


def landed_files(
    lake: "Lake", step: Step, most: int, after: int = -1
) -> tuple[list[LandedFile], int]:
    """Return what landed in a source table's version since it was last replaced, oldest first, and what was left out.

    Args:
        lake: Where the table lies.
        step: The version.
        most: Commits that are read, the newest; how many are older is returned.
        after: Number of a version whose commits, and those before it, do not count.
    """
    if step.problem:
        return [], 0
    table = lake.peek(step.table)
    commits = list(islice(written(table, step.number, after), most))[::-1]
    left = earlier(table, commits[0].version.number, after) if len(commits) == most else 0
    return [file for commit in commits for file in _files(commit)], left


def _files(commit: "Commit") -> Iterable[LandedFile]:
    version = commit.version
    told = _json(version.lineage.facts.get(LANDING))
    for file in told.get("files", []):
        yield LandedFile(
            table=version.table,
            version=version.number,
            name=str(file.get("name", "")),
            sha256=str(file.get("sha256", "")),
            rows=int(file.get("rows", 0)),
            landed_at=version.committed_at,
        )


def _step(lake: "Lake", table: str, reference: str) -> Step:
    try:
        commit = lake.peek(table).commit(int(reference.partition(":")[0]))
    except (LakeError, ValueError) as wrong:
        return Step(table=table, reference=reference, problem=str(wrong))
    version = commit.version
    if version.reference != reference:
        why = f"the lake holds {version.reference}; the table was made anew since"
        return Step(table=table, reference=reference, problem=why)
    lineage = version.lineage
    return Step(
        table=table,
        reference=reference,
        number=version.number,
        digest=version.digest,
        rows=version.rows,
        bytes=sum(file.bytes for file in commit.files),
        columns=dict(commit.columns),
        committed_at=version.committed_at,
        run_id=lineage.run_id,
        code_version=lineage.code_version,
        inputs=dict(lineage.inputs),
        facts={name: value for name, value in lineage.facts.items() if name != LANDING},
    )


def _json(text: str | None) -> dict[str, Any]:
    """Return a JSON object; an empty one for anything else."""
    try:
        told = json.loads(text or "{}")
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}
