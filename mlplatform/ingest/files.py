"""Which files of a source are new, changed, or gone, and what that means for the table."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mlplatform.errors import SourceError
from mlplatform.ingest.access import Access
from mlplatform.ingest.file_part import FilePart
from mlplatform.ingest.landed import File, Landed, reading
from mlplatform.ingest.parts import Kept, Part, Plan, TableRows
from mlplatform.ingest.storage import SourceFile, find, locate
from mlplatform.spec import Pipeline
from mlplatform.spec.source import FileSource

if TYPE_CHECKING:
    from mlplatform.lake import Table


@dataclass(frozen=True)
class _Found:
    """The files there are, with the sha256 of those whose bytes are known without landing them."""

    files: Sequence[SourceFile]
    sha256: Mapping[str, str | None]


def plan_files(pipeline: Pipeline, table: "Table", landed: Landed, access: Access) -> Plan:
    """Return what makes the table hold every declared file, as it is now, once.

    A changed file replaces its rows; one that the spec no longer names is taken out, and with
    `load: full` also one that a pattern no longer finds. The table then is made anew in one commit:
    each file stays in its place, new ones come behind, and rows of unchanged files are taken from
    the table, which is read once. When all is read anew the order is that of the spec.

    Raises:
        SourceError: If a file is missing, or one that is gone or landed as a batch would have to be
            read again, since the spec says otherwise how to read.
    """
    spec, source = pipeline.spec, pipeline.spec.source
    assert isinstance(source, FileSource)  # noqa: S101 - chosen by kind.
    found = _found(find(source, pipeline.folder, access.s3), landed)
    anew = landed.newest is not None and landed.reading != reading(spec)
    there = {file.name for file in found.files}
    absent = [known for name, known in landed.files.items() if name not in there]
    kept = [known for known in absent if _stays(known, source)]
    changed = {n for n in there & landed.files.keys() if found.sha256[n] != landed.files[n].sha256}
    held = [landed.files[name] for name in landed.files.keys() & there - changed] + kept
    check = _told_apart(source, held)
    if not (anew or changed or len(kept) < len(absent)):
        new = [file for file in found.files if file.name not in landed.files]
        return Plan([FilePart(file, spec, found.sha256[file.name]) for file in new], check=check)
    if anew and kept:
        raise SourceError(
            f"{table.name}: `source` or `columns` changed, and what landed as "
            f"{', '.join(known.name for known in kept)} cannot be read again; "
            "add it to source.files or withdraw it"
        )
    rows = TableRows(table, landed)
    parts: dict[str, Part] = {} if anew else {known.name: Kept(known, rows) for known in held}
    read = {
        file.name: FilePart(file, spec, found.sha256[file.name])
        for file in found.files
        if file.name not in parts
    }
    places = [] if anew else [name for name in landed.files if name in parts or name in read]
    ordered = {name: parts.get(name) or read[name] for name in [*places, *read]}
    return Plan(list(ordered.values()), replace=True, check=check)


def plan_file(pipeline: Pipeline, path: str, landed: Landed, access: Access) -> Plan:
    """Return what appends one more file, as a batch that the spec does not name.

    Raises:
        SourceError: If it is missing, the source takes no batches, or another of this name landed.
    """
    spec, source = pipeline.spec, pipeline.spec.source
    if not isinstance(source, FileSource) or source.load == "full":
        what = "of files" if isinstance(source, FileSource) else f"a {source.kind}"
        raise SourceError(
            f"{path}: {pipeline.name}'s source is {what} with load {source.load!r}; "
            "only files with append or upsert take batches"
        )
    if landed.newest is not None and landed.reading != reading(spec):
        raise SourceError(
            f"{path}: `source` or `columns` changed since {pipeline.table('source')} landed; "
            "materialise that first"
        )
    found = _found([locate(path, pipeline.folder, access.s3)], landed)
    (file,) = found.files
    sha256, known = found.sha256[file.name], landed.files.get(file.name)
    if known is None:
        part = FilePart(file, spec, sha256, declared=False)
        return Plan([part], check=_told_apart(source, landed.files.values()))
    if known.sha256 == sha256:
        return Plan()
    raise SourceError(
        f"{path}: another {file.name} has landed in {pipeline.table('source')}; "
        "give this one a name of its own"
    )


def _found(files: Sequence[SourceFile], landed: Landed) -> _Found:
    return _Found(files, {file.name: _sha256(file, landed.files.get(file.name)) for file in files})


def _sha256(file: SourceFile, known: File | None) -> str | None:
    """Read no object whose stamp is known; a new one is read when it lands, not before."""
    if file.stamp and known is None:
        return None
    if file.stamp and known and known.stamp == file.stamp:
        return known.sha256
    return file.fingerprint()


def _stays(known: File, source: FileSource) -> bool:
    """Tell whether rows stay although their file is not there: batches, and what a pattern found."""
    patterns = [path.rsplit("/", 1)[-1] for path in source.files if "*" in path]
    found = (re.fullmatch(re.escape(p).replace(r"\*", ".*"), known.name) for p in patterns)
    return source.load != "full" and (not known.declared or any(found))


def _told_apart(source: FileSource, held: Iterable[File]) -> Callable[[File], None]:
    """Return what refuses bytes that are held under another name, unless the spec names both."""
    named = {path.rsplit("/", 1)[-1] for path in source.files if "*" not in path}
    first = {known.sha256: known.name for known in held}

    def check(file: File) -> None:
        other = first.setdefault(file.sha256, file.name)
        if other != file.name and not {other, file.name} <= named:
            raise SourceError(
                f"{file.name}: the same bytes landed as {other}; remove it, or name both in "
                "source.files if these rows count twice"
            )

    return check
