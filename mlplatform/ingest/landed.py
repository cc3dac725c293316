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
        reasons: The rejected by reason, without any value of theirs.
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
    mark: str = ""  # How far the source was read, by what landed last.
    withdrawn: Sequence[str] = ()  # Names that were taken out and do not land again.

    @property
    def number(self) -> int:
        """Number of the version this is about, -1 for no table."""
        return self.newest.number if self.newest else -1


def landed(table: "Table", version: "Version | None" = None) -> Landed:
    """Return what `version` of the table holds, the newest by default."""
    state = _State()
    history = sorted(table.history(), key=lambda v: v.number) if table.exists() else []
    for commit in history:
        if version is None or commit.number <= version.number:
            state.add(commit)
    return state.landed()


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
    lineage: "Lineage",
    generation: int,
    reading: str,
    files: Sequence[File],
    mark: str = "",
    withdrawn: Sequence[str] = (),
) -> "Lineage":
    """Return the lineage of a commit that brings `files`.

    Args:
        lineage: Who lands, and from what.
        generation: Counts the replacements of the whole table.
        reading: How the files were read.
        files: What the commit brings.
        mark: How far the source was read, where it is not what the last of `files` says.
        withdrawn: Of a commit that begins a generation: names that do not land again.
    """
    says = [{k: v for k, v in asdict(file).items() if v or k in STATED} for file in files]
    fact: dict[str, object] = {"generation": generation, "reading": reading, "files": says}
    fact |= {"mark": mark} if mark else {}
    fact |= {"withdrawn": list(withdrawn)} if withdrawn else {}
    return replace(lineage, facts={**lineage.facts, FACT: json.dumps(fact)})


class _State:
    """What commits bring, one after the other, in one pass over the log."""

    def __init__(self) -> None:
        self._newest: Version | None = None
        self._begin(0, [])

    def add(self, commit: "Version") -> None:
        self._newest = commit
        fact = json.loads(commit.lineage.facts.get(FACT, "{}"))
        if "reading" not in fact:  # Brought no file.
            return
        if fact["generation"] > self._generation:
            self._begin(fact["generation"], fact.get("withdrawn", []))
        self._reading = fact["reading"]
        for says in fact["files"]:
            file = File(**says)
            self._files[file.name], self._versions[file.name] = file, commit
            if file.declared:
                self._mark = file.mark
        self._mark = fact.get("mark", self._mark)

    def landed(self) -> Landed:
        return Landed(
            generation=self._generation,
            reading=self._reading,
            files=self._files,
            versions=self._versions,
            newest=self._newest,
            mark=self._mark,
            withdrawn=self._withdrawn,
        )

    def _begin(self, generation: int, withdrawn: list[str]) -> None:
        self._generation, self._withdrawn = generation, withdrawn
        self._reading = self._mark = ""
        self._files: dict[str, File] = {}
        self._versions: dict[str, Version] = {}
