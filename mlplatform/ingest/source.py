"""Lands source files in the raw `source` table: each once, and only after all were found good.

A file is known by its name, its bytes and how the spec says to read it. A declared file that
changed since it landed replaces what the table holds with one commit, so the table always is what
the spec declares, plus landed batches.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from mlplatform.errors import SourceError
from mlplatform.ingest.dataset import typed
from mlplatform.ingest.records import parse
from mlplatform.ingest.text import decode, read_bytes
from mlplatform.spec import Pipeline

if TYPE_CHECKING:
    from mlplatform.lake import Lineage, Table, Version

FACT = "landing"  # Key in the lineage's facts: which files a commit brought.


@dataclass(frozen=True)
class _File:
    """One source file as found on disk; `identity` is a sha256 over name, bytes and dialect."""

    path: Path
    raw: bytes
    identity: str

    @property
    def name(self) -> str:
        return self.path.name


@dataclass(frozen=True)
class _Landed:
    """What the table holds: each file's identity, the version that brought it, who asked for it.

    A generation begins with each replacement of the whole table.
    """

    generation: int
    identities: dict[str, str]
    versions: dict[str, "Version"]
    declared: set[str]
    newest: "Version | None"


def land(pipeline: Pipeline, table: "Table", lineage: "Lineage") -> "Version":
    """Land each declared file that `table` does not hold yet, and return the version after that.

    Columns are strings, null where a missing marker stood, plus `source_file` and `source_line`.
    Landing is one append a file, each with a token of its own, so one that was killed goes on where
    it stopped.

    Raises:
        SourceError: If any file is missing or malformed, or holds a value that is not of its
            declared type; then none lands. Also if a file changed but replacing it would lose batch
            files.
    """
    files = _declared_files(pipeline)
    landed = _landed(table)
    if _outdated(files, landed):
        return _replace_all(pipeline, files, table, landed, lineage)
    new = [file for file in files if file.name not in landed.identities]
    contents = [_checked(pipeline, file) for file in new]
    version = landed.newest
    for file, content in zip(new, contents, strict=True):
        version = _append(table, file, content, landed.generation, lineage, declared=True)
    if version is None:
        raise SourceError(f"{table.name}: source.files names no file")
    return version


def land_file(pipeline: Pipeline, path: Path, table: "Table", lineage: "Lineage") -> "Version":
    """Land one more file of labelled rows, and return the version that brought it.

    Raises:
        SourceError: If it is missing or malformed, or another file of this name has landed.
    """
    file = _read(path, pipeline)
    landed = _landed(table)
    if file.name not in landed.identities:
        content = _checked(pipeline, file)
        return _append(table, file, content, landed.generation, lineage, declared=False)
    if landed.identities[file.name] == file.identity:
        return landed.versions[file.name]
    raise SourceError(
        f"{path}: another {file.name} has landed in {table.name}; give this one a name of its own"
    )


def withdraw_file(name: str, table: "Table", lineage: "Lineage") -> "Version":
    """Take the rows of a landed batch out again, in one commit; versions before it keep them.

    Raises:
        SourceError: If no batch of this name has landed; a declared file is taken out of the spec.
    """
    import pyarrow.compute as pc

    landed = _landed(table)
    batches = sorted(set(landed.identities) - landed.declared)
    if landed.newest is None or name not in batches:
        known = ", ".join(batches) or "none"
        raise SourceError(f"{table.name}: no batch {name!r} has landed; batches: {known}")
    kept = {other: known for other, known in landed.identities.items() if other != name}
    rows = table.read(landed.newest, where=pc.field("source_file") != name)
    fact = {
        "declared": True,
        "files": {other: known for other, known in kept.items() if other in landed.declared},
        "batches": {other: known for other, known in kept.items() if other in batches},
        "generation": landed.generation + 1,
    }
    facts = {FACT: json.dumps(fact, sort_keys=True)}
    return table.overwrite(rows, _with(lineage, facts), expected=landed.newest.number)


def _declared_files(pipeline: Pipeline) -> list[_File]:
    paths = [pipeline.folder / name for name in pipeline.spec.source.files]
    name, times = Counter(path.name for path in paths).most_common(1)[0]
    if times > 1:
        raise SourceError(
            f"{pipeline.folder}: source.files has {times} files named {name}; "
            "rows are known by their file's name, so rename all but one"
        )
    return [_read(path, pipeline) for path in paths]


def _read(path: Path, pipeline: Pipeline) -> _File:
    raw = read_bytes(path)
    source = pipeline.spec.source.model_dump(exclude={"files"})
    reading = json.dumps([path.name, source, list(pipeline.spec.columns)], sort_keys=True)
    identity = hashlib.sha256(hashlib.sha256(reading.encode()).digest() + raw).hexdigest()
    return _File(path=path, raw=raw, identity=identity)


def _checked(pipeline: Pipeline, file: _File) -> pa.Table:
    source = pipeline.spec.source
    text = decode(file.raw, file.path, source.encoding)
    rows = parse(text, file.path, source, list(pipeline.spec.columns))
    typed(pipeline, rows)
    return rows


def _landed(table: "Table") -> _Landed:
    """Read the commits' lineage; a commit without a landing fact brings no file."""
    landed = _Landed(0, {}, {}, set(), None)
    history = sorted(table.history(), key=lambda v: v.number) if table.exists() else []
    for version in history:
        fact = json.loads(version.lineage.facts.get(FACT, "{}"))
        if fact.get("generation", 0) > landed.generation:
            landed = _Landed(fact["generation"], {}, {}, set(), None)
        files = {**fact.get("files", {}), **fact.get("batches", {})}
        landed.identities.update(files)
        landed.versions.update(dict.fromkeys(files, version))
        landed.declared.update(fact.get("files", {}) if fact.get("declared") else ())
        landed = replace(landed, newest=version)
    return landed


def _outdated(files: Sequence[_File], landed: _Landed) -> bool:
    declared = {file.name: file.identity for file in files}
    changed = any(declared.get(n, known) != known for n, known in landed.identities.items())
    return changed or bool(landed.declared - set(declared))


def _replace_all(
    pipeline: Pipeline, files: Sequence[_File], table: "Table", landed: _Landed, lineage: "Lineage"
) -> "Version":
    batches = set(landed.identities) - landed.declared - {file.name for file in files}
    if batches:
        raise SourceError(
            f"{table.name}: the declared source changed, and landing it anew would lose the batch "
            f"{', '.join(sorted(batches))}; add it to source.files"
        )
    content = pa.concat_tables([_checked(pipeline, file) for file in files])
    facts = _facts(files, landed.generation + 1, declared=True)
    expected = landed.newest.number if landed.newest else None
    return table.overwrite(content, _with(lineage, facts), expected=expected)


def _append(
    table: "Table",
    file: _File,
    content: pa.Table,
    generation: int,
    lineage: "Lineage",
    *,
    declared: bool,
) -> "Version":
    facts = _facts([file], generation, declared=declared)
    token = f"{file.identity}-{generation}"
    return table.append(content, _with(lineage, facts), token=token)


def _facts(files: Sequence[_File], generation: int, *, declared: bool) -> dict[str, str]:
    names = {file.name: file.identity for file in files}
    fact = {"declared": declared, "files": names, "generation": generation}
    return {FACT: json.dumps(fact, sort_keys=True)}


def _with(lineage: "Lineage", facts: dict[str, str]) -> "Lineage":
    return replace(lineage, facts={**lineage.facts, **facts})
