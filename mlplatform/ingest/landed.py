"""What a `source` table holds, read from its log alone: which files, how read, how many rows.

Every landing commit carries a fact with the files it brought. A generation begins with each
replacement of the whole table; its fact names every file then in the table, in the table's order.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING

from mlplatform.spec import PipelineSpec
from mlplatform.spec.source import FileSource

if TYPE_CHECKING:
    from mlplatform.lake import Lineage, Table, Version

FACT = "landing"  # Key in the lineage's facts.
STATED = ("rows", "declared")  # Written even when zero or false; the rest has empty defaults.


@dataclass(frozen=True, kw_only=True)
class File:
    """One file, batch or version as it landed: all its rows stand together in the table.

    Attributes:
        name: What its rows have as `source_file`.
        sha256: Of its bytes, or of what else tells its content.
        rows: Rows in the table.
        rejected: Records in quarantine.
        reasons: The rejected by reason.
        declared: Whether the spec brought it, and not a command.
        stamp: Entity tag and size of an S3 object.
        mark: How far a query, table or function was read with it.
        undeclared: Columns that were left out, at most 20.
    """

    name: str
    sha256: str
    rows: int
    rejected: int = 0
    reasons: Mapping[str, int] = field(default_factory=dict)
    declared: bool = True
    stamp: str = ""
    mark: str = ""
    undeclared: Sequence[str] = ()

    def identity(self, reading: str) -> str:
        """Return a sha256 over name, content and how it was read: equal identity, equal rows."""
        says = json.dumps([reading, self.name, self.sha256])
        return hashlib.sha256(says.encode()).hexdigest()


@dataclass(frozen=True)
class Landed:
    """The files a version of the table holds, by name in the table's order."""

    generation: int = 0
    reading: str = ""
    files: Mapping[str, File] = field(default_factory=dict)
    versions: Mapping[str, "Version"] = field(default_factory=dict)  # That brought each file.
    newest: "Version | None" = None

    @property
    def number(self) -> int:
        """Number of the version this is about, -1 for no table."""
        return self.newest.number if self.newest else -1

    @property
    def mark(self) -> str:
        """Return how far the source was read by the file that landed last."""
        marks = [file.mark for file in self.files.values() if file.declared]
        return marks[-1] if marks else ""


def landed(table: "Table", version: "Version | None" = None) -> Landed:
    """Return what `version` of the table holds, the newest by default."""
    state = Landed()
    history = sorted(table.history(), key=lambda v: v.number) if table.exists() else []
    for commit in history:
        if version is None or commit.number <= version.number:
            state = _after(state, commit)
    return state


def files_of(table: "Table", version: "Version") -> frozenset[str]:
    """Return the names of the files whose rows `version` of a `source` table holds."""
    return frozenset(identities_of(table, version))


def identities_of(table: "Table", version: "Version") -> dict[str, str]:
    """Return the files whose rows `version` of a `source` table holds, and a sha256 of each.

    It is another one when the file's content or what decides how it is read is.
    """
    state = landed(table, version)
    return {name: file.identity(state.reading) for name, file in state.files.items()}


def reading(spec: PipelineSpec) -> str:
    """Return a digest of all that decides which rows a file's bytes become."""
    source = spec.source
    says = source.model_dump(exclude={"files", "load", "connection", "reads"})
    if not isinstance(source, FileSource):
        says["full"] = source.load == "full"
    label = [spec.label.column, spec.label.strip]
    content = json.dumps([says, list(spec.columns.items()), label], sort_keys=True)
    return hashlib.sha256(content.encode()).hexdigest()


def with_fact(
    lineage: "Lineage", generation: int, reading: str, files: Sequence[File]
) -> "Lineage":
    """Return the lineage of a commit that brings `files`."""
    says = [{k: v for k, v in asdict(file).items() if v or k in STATED} for file in files]
    fact = {"generation": generation, "reading": reading, "files": says}
    return replace(lineage, facts={**lineage.facts, FACT: json.dumps(fact)})


def _after(state: Landed, commit: "Version") -> Landed:
    fact = json.loads(commit.lineage.facts.get(FACT, "{}"))
    if "reading" not in fact:  # Brought no file.
        return replace(state, newest=commit)
    if fact["generation"] > state.generation:
        state = Landed(generation=fact["generation"])
    files = {says["name"]: File(**says) for says in fact["files"]}
    return Landed(
        generation=state.generation,
        reading=fact["reading"],
        files={**state.files, **files},
        versions={**state.versions, **dict.fromkeys(files, commit)},
        newest=commit,
    )
