"""A lake root on a local disk. delta-rs never fsyncs there, so everything is synced here."""

import os
import shutil
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO

from mlplatform.errors import LakeError
from mlplatform.lake import faults
from mlplatform.lake.storage import Stored, explained, log_file

_CHUNK = 1 << 16  # Bytes read at a time: a log entry at once.


class LocalStorage:
    """Files under `root`; see `storage.Storage` for what each method promises."""

    uncertain = False

    def __init__(self, root: Path) -> None:
        self.root = root.absolute()
        self.options: dict[str, str] = {}

    def uri(self, path: str) -> str:
        """Return the absolute path of `path`."""
        return str(self.root / path)

    def filesystem(self) -> tuple[Any, str]:
        """Return pyarrow's local filesystem and the root."""
        from pyarrow.fs import LocalFileSystem

        return LocalFileSystem(), str(self.root)

    def read(self, path: str) -> bytes:
        """Return a file's bytes, refusing symbolic links on the way from the root."""
        with explained(f"read {self.root / path}"):
            self._refuse_links(path)
            descriptor = _open_if_there(self.root / path)
            if descriptor is not None:
                with open(descriptor, "rb") as file:  # noqa: PTH123 - from a descriptor.
                    return file.read()
        raise FileNotFoundError(self.uri(path))

    def read_all(self, folder: str, names: Sequence[str]) -> Iterator[bytes]:
        """Yield the bytes of files of one folder, which is opened once: ten thousand in 0.1 s."""
        with explained(f"read {self.root / folder}"):
            self._refuse_links(folder)
            opened = os.open(self.root / folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        try:
            for name in names:
                yield _read_in(opened, name)
        finally:
            os.close(opened)

    def entries(self, folder: str, after: str = "") -> dict[str, str]:
        """Map file names past `after` to size, time and inode."""
        stamps = {}
        with (
            suppress(FileNotFoundError, NotADirectoryError),
            os.scandir(self.root / folder) as all_,
        ):
            for entry in all_:
                if entry.name > after:
                    with suppress(FileNotFoundError):  # A temporary file, gone since.
                        stamps[entry.name] = _stamp(entry.stat())
        return stamps

    def folders(self, folder: str) -> list[str]:
        """Return sub-folder names, sorted; symbolic links are not followed."""
        try:
            with os.scandir(self.root / folder) as found:
                return sorted(e.name for e in found if e.is_dir(follow_symlinks=False))
        except (FileNotFoundError, NotADirectoryError):
            return []

    @contextmanager
    def writer(self, path: str) -> Iterator[BinaryIO]:
        """Open a new file, synced with its folder after the block, removed if that raises."""
        target = self.root / path
        with explained(f"write {target}"):
            _make_folder(target.parent)
            try:
                with target.open("xb") as file:
                    yield file
                    file.flush()
                    os.fsync(file.fileno())
                _sync_folder(target.parent)
            except BaseException:
                with suppress(OSError):
                    target.unlink()
                raise

    def create(self, path: str, data: bytes) -> bool:
        """Write the bytes under a temporary name, then link them into place unless it is taken."""
        temporary = f"{path}.{uuid.uuid4().hex}.tmp"
        with self.writer(temporary) as file:
            file.write(data)
        faults.point("pin_written")
        with explained(f"write {self.root / path}"):
            try:
                os.link(self.root / temporary, self.root / path)
            except FileExistsError:
                return False
            finally:
                (self.root / temporary).unlink()
            _sync_folder((self.root / path).parent)
        return True

    def put_folder(self, folder: str, files: Mapping[str, bytes], *, last: str) -> None:
        """Write a temporary folder, sync it and rename it into place; an older one steps aside."""
        target = self.root / folder
        temporary = target.with_name(f".{target.name}.{uuid.uuid4().hex}.tmp")
        with explained(f"write {target}"):
            try:
                for name in sorted(files, key=lambda name: name == last):
                    with self.writer(str(temporary.relative_to(self.root) / name)) as file:
                        file.write(files[name])
                faults.point("artifact_written")
                _replace_folder(temporary, target)
            finally:
                shutil.rmtree(temporary, ignore_errors=True)

    def sync_commit(self, table: str, number: int) -> None:
        """Sync a commit's file, its checkpoint, and the folders that name them."""
        log = self.root / table / "_delta_log"
        checkpoint = log_file(number).replace(".json", ".checkpoint.parquet")
        with explained(f"sync {log}"):
            _sync_file(log / log_file(number))
            if (log / checkpoint).exists():
                _sync_file(log / checkpoint)
                _sync_file(log / "_last_checkpoint")
            _sync_folder(log)
            _sync_folder(log.parent)

    def remove(self, path: str) -> None:
        """Unlink a file."""
        with suppress(OSError):
            (self.root / path).unlink()

    def listing(self, folder: str) -> dict[str, Stored]:
        """Map the names of plain files to size and time of change."""
        found = {}
        with explained(f"list {self.root / folder}"), suppress(FileNotFoundError):
            with os.scandir(self.root / folder) as all_:
                files = [entry for entry in all_ if entry.is_file(follow_symlinks=False)]
            for entry in files:
                with suppress(FileNotFoundError):  # A temporary file, gone since.
                    found[entry.name] = _stored(entry.stat(follow_symlinks=False))
        return found

    def delete(self, path: str) -> None:
        """Unlink a file."""
        with explained(f"remove {self.root / path}"), suppress(FileNotFoundError):
            (self.root / path).unlink()

    def delete_folder(self, folder: str, *, first: str) -> None:
        """Unlink `first` and then everything else; a folder in it, or a symbolic link to one, is not entered."""
        self.delete(f"{folder}/{first}")
        target = self.root / folder
        with explained(f"remove {target}"), suppress(FileNotFoundError):
            for file in sorted(target.iterdir()):
                file.unlink(missing_ok=True)
            target.rmdir()

    def delete_old_folder(self, folder: str, since: datetime, *, first: str) -> bool:
        """Rename it aside, where nobody can make it young again, and look once more before it goes."""
        if self._is_young(folder, since):
            return False
        target = self.root / folder
        aside = target.with_name(f".{target.name}.{uuid.uuid4().hex}.tmp")
        with explained(f"remove {target}"):
            try:
                target.rename(aside)
            except FileNotFoundError:
                return False
        moved = str(aside.relative_to(self.root))
        young = self._is_young(moved, since)
        with suppress(OSError):  # Whoever missed it wrote it again.
            if young:
                aside.rename(target)
        self.delete_folder(moved, first=first)
        return not young

    def _is_young(self, folder: str, since: datetime) -> bool:
        return any(file.modified >= since for file in self.listing(folder).values())

    def refresh(self, path: str) -> bool:
        """Set the time of change to now."""
        with explained(f"write {self.root / path}"):
            try:
                os.utime(self.root / path, follow_symlinks=False)
            except FileNotFoundError:
                return False
        return True

    def _refuse_links(self, path: str) -> None:
        step = self.root
        for segment in path.split("/"):
            step /= segment
            if step.is_symlink():
                raise LakeError(f"{step} is a symbolic link; the lake holds only plain files")

    def check_writable(self) -> None:
        """Write and remove a small file under the root."""
        probe = f".writable-{uuid.uuid4().hex}"
        with self.writer(probe) as file:
            file.write(b"1")
        (self.root / probe).unlink()


def _read_in(folder: int, name: str) -> bytes:
    """Return the bytes of a file in an open folder, refusing a symbolic link."""
    file = os.open(name, os.O_RDONLY | os.O_NOFOLLOW, dir_fd=folder)
    try:
        data = part = os.read(file, _CHUNK)
        while len(part) == _CHUNK:
            part = os.read(file, _CHUNK)
            data += part
        return data
    finally:
        os.close(file)


def _open_if_there(path: Path) -> int | None:
    try:
        return os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    except (FileNotFoundError, NotADirectoryError):
        return None


def _stamp(status: os.stat_result) -> str:
    return f"{status.st_size}-{status.st_mtime_ns}-{status.st_ino}"


def _stored(status: os.stat_result) -> Stored:
    return Stored(status.st_size, datetime.fromtimestamp(status.st_mtime, UTC))


def _make_folder(folder: Path) -> None:
    """Make a folder and its parents; sync each folder that gains one."""
    missing = [folder, *folder.parents]
    missing = missing[: next((i for i, f in enumerate(missing) if f.is_dir()), 0)]
    for new in reversed(missing):
        new.mkdir(exist_ok=True)
        _sync_folder(new.parent)


def _replace_folder(temporary: Path, target: Path) -> None:
    try:
        temporary.rename(target)
    except OSError:
        if not target.is_dir():
            raise
        aside = target.with_name(f".{target.name}.{uuid.uuid4().hex}.tmp")
        target.rename(aside)
        temporary.rename(target)
        shutil.rmtree(aside, ignore_errors=True)
    _sync_folder(target.parent)


def _sync_file(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
