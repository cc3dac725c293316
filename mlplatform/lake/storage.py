"""Where bytes lie: one small interface that a local folder and an S3 bucket both implement.

Paths are relative to the lake's root, with `/` between segments; callers pass only checked names.
"""

import errno
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from mlplatform.errors import LakeError, PlatformError


class Sink(Protocol):
    """Takes the bytes of one new file."""

    def write(self, data: Any, /) -> Any:
        """Append `data`, any buffer."""


@dataclass(frozen=True)
class Stored:
    """A file as the storage tells it: its size, and when it was written, by the storage's clock, in UTC."""

    bytes: int
    modified: datetime


class Storage(Protocol):
    """Bytes under a root. Everything written is durable when the call returns."""

    uncertain: bool  # Whether an operation that raised may still have happened.
    options: dict[str, str]  # What deltalake needs to reach the same place.

    def uri(self, path: str) -> str:
        """Return the absolute path or URI of `path`."""

    def filesystem(self) -> tuple[Any, str]:
        """Return a pyarrow filesystem and the prefix of this root in it."""

    def read(self, path: str) -> bytes:
        """Return a file's bytes; `FileNotFoundError` when there is none."""

    def read_all(self, folder: str, names: Sequence[str]) -> Iterator[bytes]:
        """Yield the bytes of files of one folder, in order; `FileNotFoundError` at one that is not there."""

    def entries(self, folder: str, after: str = "") -> dict[str, str]:
        """Map each file name in `folder` past `after` to a stamp that changes with the file."""

    def folders(self, folder: str) -> list[str]:
        """Return the names of the folders in `folder`, sorted; none when it does not exist."""

    def writer(self, path: str) -> AbstractContextManager[Sink]:
        """Open a new file; it is durable after the block, and gone when the block raises."""

    def create(self, path: str, data: bytes) -> bool:
        """Write a whole file atomically unless it exists; return whether this call wrote it."""

    def put_folder(self, folder: str, files: Mapping[str, bytes], *, last: str) -> None:
        """Make `folder` hold `files`, visible as a whole: the file `last` proves the rest."""

    def sync_commit(self, table: str, number: int) -> None:
        """Make one commit of a Delta log, and the checkpoint it may have caused, durable."""

    def remove(self, path: str) -> None:
        """Remove a file if it can be; what stays is garbage that nothing names."""

    def listing(self, folder: str) -> dict[str, Stored]:
        """Map the name of each plain file in `folder` to its size and age; none when there is no folder."""

    def delete(self, path: str) -> None:
        """Remove a file, or nothing when it is gone already; `LakeError` when it stays."""

    def delete_folder(self, folder: str, *, first: str) -> None:
        """Remove a folder with the files in it, the file `first` before any other; errors as of `delete`."""

    def delete_old_folder(self, folder: str, since: datetime, *, first: str) -> bool:
        """Do as `delete_folder` unless a file in it was written since; return whether this did it."""

    def refresh(self, path: str) -> bool:
        """Make a file as young as one written now; return whether there is one."""

    def check_writable(self) -> None:
        """Raise `LakeError` in one line when nothing can be written here."""


def log_file(number: int) -> str:
    """Return the name of a Delta commit: twenty digits, by the Delta protocol."""
    return f"{number:020d}.json"


def open_storage(root: str | Path, options: Mapping[str, str] | None) -> Storage:
    """Return the storage of a local folder or of `s3://bucket/prefix`."""
    text = str(root)
    if text.startswith("s3://"):
        from mlplatform.lake.s3 import S3Storage

        return S3Storage(text, dict(options or {}))
    if "://" in text:
        raise LakeError(f"lake root {text!r}: expected a local folder or s3://bucket/prefix")
    from mlplatform.lake.local import LocalStorage

    return LocalStorage(Path(root))


@contextmanager
def explained(doing: str) -> Iterator[None]:
    """Turn an operating system's error into one line: what failed, why, and the cure."""
    try:
        yield
    except PlatformError:
        raise
    except OSError as error:
        raise LakeError(f"cannot {doing}: {_reason(error)}") from error


_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_DENIED = {errno.EACCES, errno.EPERM, errno.EROFS}


def _reason(error: OSError) -> str:
    if error.errno in _FULL:
        return f"no space left ({error.strerror}); free some and run again, nothing was committed"
    if error.errno in _DENIED:
        return f"{error.strerror}; make it writable for this user or choose another lake root"
    if error.errno in {errno.ENOTDIR, errno.EEXIST}:
        return f"{error.strerror}; a file stands where a folder is needed"
    lines = str(error.strerror or error).splitlines()
    return lines[0] if lines else type(error).__name__
