"""The log of one asset on disk: everything said of its run, one JSON line each, before MLflow hears it.

A line is the kernel's when `append` returns, so that it outlives a `kill -9`; it is on the disk, which
outlives a power cut, within about `SYNC_SECONDS` while lines go on, and at once where that is asked for.
The lock on the file says who writes: whoever holds it may append, and nobody else delivers.
"""

import fcntl
import hashlib
import json
import os
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, BinaryIO

from mlplatform.errors import RegistryError

LOG = "log.jsonl"
SENT = "sent.json"
FILES = "files"
SYNC_SECONDS = 1.0
LOCK_SECONDS = 60.0  # More than any delivery by somebody else takes.

Entry = dict[str, Any]


@dataclass(frozen=True)
class Sent:
    """How much of a log MLflow has: bytes of the file, and whether the last of them end the run."""

    to: str = ""
    bytes: int = 0
    ended: bool = False


class Spool:
    """One asset's log while this process holds its lock. Appending and reading are safe in threads."""

    def __init__(self, folder: Path, file: BinaryIO) -> None:
        self.folder = folder
        self._file = file
        self._synced = 0.0

    def append(self, entry: Entry, *, durable: bool = False) -> None:
        """Write one line.

        Raises:
            RegistryError: If the disk does not take it; nothing of it stays.
        """
        line = json.dumps(entry, allow_nan=False, separators=(",", ":")).encode() + b"\n"
        before = self.size
        try:
            _write(self._file, line)
            self._sync(durable=durable)
        except OSError as wrong:
            with suppress(OSError):
                self._file.truncate(before)
            raise _unwritable(self.folder, wrong) from None

    def put(self, name: str, content: bytes) -> str:
        """Keep a file beside the log, durably, and return its path below the folder."""
        digest = hashlib.sha256(content).hexdigest()
        path = self.folder / FILES / digest / name
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            _replaced(path, content)
        except OSError as wrong:
            raise _unwritable(self.folder, wrong) from None
        return str(path.relative_to(self.folder))

    def entries(self, start: int = 0) -> Iterator[tuple[int, Entry]]:
        """Yield each whole line from byte `start` on, with the byte at which the next begins.

        A line that a power cut damaged is passed over.
        """
        with (self.folder / LOG).open("rb") as file:
            file.seek(start)
            for line in file:
                if not line.endswith(b"\n"):
                    return  # It is being written.
                start += len(line)
                if (entry := _parsed(line)) is not None:
                    yield start, entry

    @property
    def size(self) -> int:
        """Bytes of the log."""
        return os.fstat(self._file.fileno()).st_size

    def sent(self) -> Sent:
        """Return how much of it was delivered."""
        return sent(self.folder)

    def mark(self, delivered: Sent) -> None:
        """Keep how much of it was delivered, once the disk has what MLflow has.

        Raises:
            RegistryError: If the disk does not take it.
        """
        try:
            os.fsync(self._file.fileno())
            _replaced(self.folder / SENT, json.dumps(asdict(delivered)).encode())
        except OSError as wrong:
            raise _unwritable(self.folder, wrong) from None

    def close(self) -> None:
        """Put the log on the disk and let go of it."""
        with suppress(OSError):
            os.fsync(self._file.fileno())
        self._file.close()

    def _sync(self, *, durable: bool) -> None:
        now = time.monotonic()
        if durable or now - self._synced >= SYNC_SECONDS:
            os.fsync(self._file.fileno())
            self._synced = now


def locked(folder: Path, wait_seconds: float = LOCK_SECONDS) -> Spool:
    """Open the log in `folder`, made if need be; a line that a kill cut off is dropped.

    Raises:
        RegistryError: If somebody else holds it for `wait_seconds`, or it cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file = (folder / LOG).open("ab", buffering=0)
    except OSError as wrong:
        raise _unwritable(folder, wrong) from None
    until = time.monotonic() + wait_seconds
    while not _taken(file):
        if time.monotonic() >= until:
            file.close()
            raise RegistryError(f"{folder / LOG}: another process writes it; end that one first")
        time.sleep(0.05)
    file.truncate(_whole_lines(folder / LOG))
    return Spool(folder, file)


def sent(folder: Path) -> Sent:
    """Return how much of the log in `folder` was delivered; nothing if that was never kept."""
    try:
        return Sent(**json.loads((folder / SENT).read_bytes()))
    except (OSError, ValueError, TypeError):
        return Sent()


def waits(folder: Path) -> bool:
    """Tell whether the log in `folder` holds anything that MLflow has not."""
    delivered = sent(folder)
    try:
        size = (folder / LOG).stat().st_size
    except OSError:
        return False
    return size > 0 and (not delivered.ended or size != delivered.bytes)


def _taken(file: BinaryIO) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)  # Released by the kernel if we die.
    except BlockingIOError:
        return False
    return True


def _parsed(line: bytes) -> Entry | None:
    try:
        entry: Entry = json.loads(line)
    except ValueError:
        return None
    return entry


def _write(file: BinaryIO, line: bytes) -> None:
    left = memoryview(line)
    while left:  # A disk that is nearly full takes a part, and says so only when asked again.
        left = left[file.write(left) :]


def _whole_lines(path: Path) -> int:
    """Return how many bytes of the file stand up to its last line's end."""
    content = path.read_bytes()
    return content.rfind(b"\n") + 1


def _replaced(path: Path, content: bytes) -> None:
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    with temporary.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


def _unwritable(folder: Path, wrong: OSError) -> RegistryError:
    why = wrong.strerror or wrong
    return RegistryError(f"{folder}: the training log cannot be kept here: {why}; make room")
