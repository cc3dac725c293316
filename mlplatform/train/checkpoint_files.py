"""Folders that are whole or not there: written aside, digested, synced, and renamed into place.

A whole one is named after its step and the sha256 of its manifest, which names the sha256 of every
other file: a changed, missing or added byte anywhere is seen. Orbax alone restored 43 of 43 flipped
bits without a word.
"""

import fcntl
import hashlib
import json
import os
import re
import shutil
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from mlplatform.errors import CorruptionError

MANIFEST = "manifest.json"
WHOLE = re.compile(r"^step-(\d{12})-([0-9a-f]{64})$")
TEMPORARY = ".tmp"


def whole(root: Path) -> list[Path]:
    """Return the whole folders under `root`, the latest step first."""
    found = [folder for folder in _entries(root) if WHOLE.match(folder.name)]
    return sorted(found, key=lambda folder: folder.name, reverse=True)


def step_of(folder: Path) -> int:
    """Return the step that a whole folder is named after."""
    return int(folder.name.split("-")[1])


@contextmanager
def aside(root: Path, name: str = "") -> Iterator[Path]:
    """Make a temporary folder that is locked while it is written, and gone after the block."""
    make(root)
    temporary = root / f".{name or uuid.uuid4().hex}{TEMPORARY}"
    temporary.mkdir()
    lock = os.open(temporary, os.O_RDONLY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)  # Let go by a kill; see `sweep`.
        yield temporary
    finally:
        os.close(lock)
        shutil.rmtree(temporary, ignore_errors=True)


def sweep(root: Path) -> None:
    """Remove temporary folders whose writer is dead."""
    for temporary in [entry for entry in _entries(root) if entry.name.endswith(TEMPORARY)]:
        try:
            lock = os.open(temporary, os.O_RDONLY)
        except FileNotFoundError:
            continue
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(temporary, ignore_errors=True)
        except BlockingIOError:
            continue  # Its writer lives.
        finally:
            os.close(lock)


def publish(temporary: Path, step: int, says: Mapping[str, Any]) -> Path:
    """Digest, sync and rename a temporary folder into place beside itself.

    Returns:
        Its new path. When this returns, a power cut leaves it whole.
    """
    files = {name: _sha256(temporary / name) for name in _names(temporary)}
    manifest = json.dumps({**says, "step": step, "files": files}, sort_keys=True).encode()
    (temporary / MANIFEST).write_bytes(manifest)
    for entry in (*temporary.rglob("*"), temporary):
        sync(entry)
    target = temporary.with_name(f"step-{step:012d}-{hashlib.sha256(manifest).hexdigest()}")
    temporary.rename(target)
    sync(target.parent)
    return target


def discard(folder: Path) -> None:
    """Remove a whole folder, so that it is never there in part; a kill leaves the rest to `sweep`."""
    temporary = folder.with_name(f".{folder.name}{TEMPORARY}")
    with suppress(FileNotFoundError):  # Another process of the same recipe was faster.
        folder.rename(temporary)
    shutil.rmtree(temporary, ignore_errors=True)


def verified(folder: Path) -> dict[str, Any]:
    """Return what the manifest of a whole folder says, once every byte was read and matches.

    Raises:
        CorruptionError: If a file was changed, is missing, or was added.
    """
    data = _read(folder / MANIFEST)
    _require(folder / MANIFEST, hashlib.sha256(data).hexdigest(), folder.name.split("-")[2])
    says: dict[str, Any] = json.loads(data)
    for name, digest in says["files"].items():
        _require(folder / name, _sha256(folder / name), digest)
    added = sorted(set(_names(folder)) - {MANIFEST, *says["files"]})
    if added:
        raise CorruptionError(f"{folder / added[0]} was added after the checkpoint was written")
    return says


def sync(path: Path) -> None:
    """Make a file or folder durable."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def make(folder: Path) -> None:
    """Make a folder and its parents; sync each folder that gains one."""
    missing = [step for step in (folder, *folder.parents) if not step.is_dir()]
    for new in reversed(missing):
        new.mkdir(exist_ok=True)
        sync(new.parent)


def _entries(root: Path) -> list[Path]:
    try:
        return list(root.iterdir())
    except FileNotFoundError:
        return []


def _names(folder: Path) -> list[str]:
    files = (path for path in folder.rglob("*") if not path.is_dir() or path.is_symlink())
    return sorted(path.relative_to(folder).as_posix() for path in files)


def _sha256(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except FileNotFoundError:
        raise CorruptionError(f"{path} is missing") from None


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise CorruptionError(f"{path} is missing") from None


def _require(path: Path, got: str, wanted: str) -> None:
    if got != wanted:
        raise CorruptionError(f"{path} is damaged: expected sha256 {wanted}, got {got}")
