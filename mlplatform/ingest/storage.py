"""Source files wherever they lie: found by path or pattern, opened as streams, fingerprinted.

`*` stands for any characters of one name that does not begin with a dot; it never crosses a `/`.
"""

import hashlib
import io
import os
import re
import stat
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Protocol, cast, runtime_checkable

from mlplatform.errors import SourceError
from mlplatform.spec.source import FileSource

S3 = "s3://"
BLOCK = 1_048_576  # Bytes read at once from a stream.

Entry = tuple[str, bool]  # A name in a folder, and whether it is a folder itself.
Lister = Callable[
    [str, str], Iterable[Entry]
]  # Of a folder (ends in "/"), the names that begin so.


@runtime_checkable
class SourceFile(Protocol):
    """One file as it was found. Everything below raises `SourceError` in one line.

    What is read may be a mixture when somebody writes meanwhile: ask `changed()` after the last
    byte, and use nothing of it when it says so.
    """

    @property
    def name(self) -> str:
        """Return the base name, by which rows know their file."""

    @property
    def where(self) -> str:
        """Return the path or URI, for messages."""

    @property
    def size(self) -> int:
        """Return the bytes it had when it was found."""

    @property
    def stamp(self) -> str | None:
        """Return what changes with an S3 object (entity tag and size); None of a local file."""

    def changed(self) -> bool:
        """Look again: is it another file, or written to, since it was found?"""

    def open(self) -> BinaryIO:
        """Return its bytes as a buffered stream; the caller closes it."""

    def random_access(self) -> Any:
        """Return it as a pyarrow NativeFile that can seek; read it within `explained(where)`."""

    def fingerprint(self) -> str:
        """Return the sha256 of its bytes, read in constant memory."""


@dataclass(frozen=True)
class LocalFile:
    """A regular file of this machine, and what `stat` said when it was found."""

    path: Path
    size: int
    modified_ns: int
    inode: int
    stamp: None = None

    @property
    def name(self) -> str:
        """Return the base name."""
        return self.path.name

    @property
    def where(self) -> str:
        """Return the path."""
        return str(self.path)

    def changed(self) -> bool:
        """Return whether size, time of change or inode differ by now."""
        return local_file(self.path) != self

    def open(self) -> BinaryIO:
        """Return a buffered stream."""
        with explained(self.where):
            return stream(self.path.open("rb", buffering=0), self.where)

    def random_access(self) -> Any:
        """Return an OSFile: a map would end the process when the file is cut short under it."""
        import pyarrow as pa

        with explained(self.where):
            return pa.OSFile(self.where)

    def fingerprint(self) -> str:
        """Return the sha256 of the bytes."""
        return fingerprint(self)


def find(source: FileSource, folder: Path, s3: Mapping[str, str] | None) -> list[SourceFile]:
    """Return the files that `source.files` means, in its order, sorted by path within a pattern.

    A file that two patterns match counts once. `folder` is where relative paths begin; `s3` are
    storage options as the lake takes them.

    Raises:
        SourceError: If a path or pattern matches nothing, something is no regular file, two files
            have the same base name, or S3 refuses.
    """
    found: dict[str, SourceFile] = {}
    for pattern in source.files:
        for file in _matching(pattern, folder, s3):
            found.setdefault(file.where, file)
    return _told_apart(list(found.values()))


def locate(path: str | Path, folder: Path, s3: Mapping[str, str] | None) -> SourceFile:
    """Return one file by its exact path or `s3://` address; `*` is a plain character.

    Raises:
        SourceError: If it is missing, no regular file, or S3 refuses.
    """
    where = str(path)
    if where.startswith(S3):
        from mlplatform.ingest.storage_s3 import bucket_of

        bucket, key = bucket_of(where, s3)
        return _told_apart([bucket.file(key)])[0]
    return _told_apart([local_file(_local(where, folder))])[0]


def expand(start: str, pattern: str, listed: Lister) -> list[str]:
    """Return what matches `pattern` below `start` ("" or ends in "/"), sorted by path."""
    *folders, last = pattern.split("/")
    places = [start]
    for segment in folders:
        if "*" in segment:
            places = [
                f"{p}{name}/" for p in places for name in _names(listed, p, segment, folders=True)
            ]
        else:
            places = [f"{place}{segment}/" for place in places]
    return sorted(f"{p}{name}" for p in places for name in _names(listed, p, last))


def local_file(path: Path) -> LocalFile:
    """Return the file at `path` as it is now."""
    with explained(str(path)):
        seen = path.stat()
    if stat.S_ISDIR(seen.st_mode):
        raise SourceError(f"{path}: is a folder; name its files, like {path.name}/*.csv")
    if not stat.S_ISREG(seen.st_mode):
        raise SourceError(f"{path}: is no regular file; copy its content into one")
    return LocalFile(path, seen.st_size, seen.st_mtime_ns, seen.st_ino)


def fingerprint(file: SourceFile) -> str:
    """Return the sha256 of a file's bytes."""
    with file.open() as content:
        return hashlib.file_digest(cast("Any", content), "sha256").hexdigest()


@contextmanager
def explained(where: str) -> Iterator[None]:
    """Turn an operating system's or pyarrow's OSError into one line that names the file."""
    try:
        yield
    except FileNotFoundError:
        message = f"{where}: no such file; put it there or correct source.files"
        raise SourceError(message) from None
    except OSError as wrong:
        raise SourceError(f"{where}: cannot be read: {_reason(wrong)}") from None


def stream(raw: Any, where: str, block: int = BLOCK) -> BinaryIO:
    """Return `raw`, which has `readinto` and `close`, as a stream with explained errors."""
    return io.BufferedReader(_Explained(raw, where), block)


class _Explained(io.RawIOBase):
    """Reads on; an error in the middle is a `SourceError` too."""

    def __init__(self, raw: Any, where: str) -> None:
        self._raw, self._where = raw, where

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        with explained(self._where):
            return int(self._raw.readinto(buffer))

    def close(self) -> None:
        if not self.closed:
            self._raw.close()
        super().close()


def _reason(wrong: OSError) -> str:
    aws = re.search(r"AWS Error ([A-Z_]+)", str(wrong))
    if aws:
        return f"S3 says {aws[1]}; run again, or see whether the object is still there"
    lines = str(wrong.strerror or wrong).splitlines()
    return lines[0] if lines else type(wrong).__name__


def _matching(pattern: str, folder: Path, s3: Mapping[str, str] | None) -> Sequence[SourceFile]:
    if "*" not in pattern:
        return [locate(pattern, folder, s3)]
    if pattern.startswith(S3):
        from mlplatform.ingest.storage_s3 import bucket_of

        bucket, key = bucket_of(pattern, s3)
        files: Sequence[SourceFile] = bucket.matching(key)
    else:
        _local(pattern, folder)
        start = "/" if pattern.startswith("/") else f"{folder}/"
        files = [local_file(Path(p)) for p in expand(start, pattern.lstrip("/"), _listed)]
    if not files:
        raise SourceError(f"{pattern}: matches no file; put one there or correct source.files")
    return files


def _local(path: str, folder: Path) -> Path:
    if re.match(r"[A-Za-z][A-Za-z0-9+.-]*://", path):
        raise SourceError(f"{path}: expected a path of this machine or s3://bucket/key")
    return folder / path


def _listed(folder: str, prefix: str) -> Iterator[Entry]:
    """Names in a local folder; none where there is no such folder."""
    try:
        with os.scandir(folder) as entries:
            yield from ((e.name, e.is_dir()) for e in entries if e.name.startswith(prefix))
    except (FileNotFoundError, NotADirectoryError):
        return
    except OSError as wrong:
        raise SourceError(f"{folder}: cannot be listed: {_reason(wrong)}") from None


def _names(listed: Lister, folder: str, pattern: str, *, folders: bool = False) -> Iterator[str]:
    regex = re.compile(".*".join(map(re.escape, pattern.split("*"))), re.DOTALL)
    for name, is_folder in listed(folder, pattern.partition("*")[0]):
        hidden = name.startswith(".") and not pattern.startswith(".")
        if is_folder == folders and not hidden and regex.fullmatch(name):
            yield name


def _told_apart(files: list[SourceFile]) -> list[SourceFile]:
    """Refuse names that cannot be shown, and names that stand twice."""
    seen: dict[str, SourceFile] = {}
    for file in files:
        if not file.name.isprintable():
            raise SourceError(f"{file.where!r}: the file's name has a control character; rename it")
        if file.name in seen:
            raise SourceError(
                f"2 files named {file.name} ({seen[file.name].where}, {file.where}); "
                "rows are known by their file's name, so rename all but one"
            )
        seen[file.name] = file
    return files
