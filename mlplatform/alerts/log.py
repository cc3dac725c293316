"""The alert log: JSON lines, appended under a lock that all processes share."""

import fcntl
import json
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import IO, Any

from mlplatform.errors import PlatformError

Line = dict[str, Any]


class AlertLogError(PlatformError):
    """The alert log cannot be written."""


class OpenLog:
    """The log while this process holds its lock."""

    def __init__(self, file: IO[str]) -> None:
        self._file = file

    def lines(self) -> list[Line]:
        """Return what the log holds, oldest first. A line cut off by a crash is passed over."""
        self._file.seek(0)
        return _parsed(self._file)

    def append(self, at: datetime, **line: Any) -> None:
        """Write one line, durably, with the time."""
        self._file.seek(0, os.SEEK_END)
        said = {"at": at.isoformat(timespec="milliseconds"), **line}
        self._file.write(json.dumps(said) + "\n")
        self._file.flush()
        os.fsync(self._file.fileno())


@contextmanager
def locked(path: Path) -> Iterator[OpenLog]:
    """Open the log at `path`, made if need be, and hold its lock.

    Raises:
        AlertLogError: If it cannot be written: no folder, no right, no room.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a+", encoding="utf-8", errors="replace") as file:
            fcntl.flock(file, fcntl.LOCK_EX)  # Released when the file is closed, also by a crash.
            _end_torn_line(file)
            yield OpenLog(file)
    except OSError as wrong:
        raise AlertLogError(f"{path}: cannot keep alerts here: {wrong.strerror}") from None


def read(path: Path) -> list[Line]:
    """Return what the log holds, without its lock and without making it.

    Raises:
        AlertLogError: If it is there and cannot be read.
    """
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            return _parsed(file)
    except FileNotFoundError:
        return []
    except OSError as wrong:
        raise AlertLogError(f"{path}: cannot read alerts here: {wrong.strerror}") from None


def require_alerts(path: Path) -> int:
    """Return how many lines of the log cannot be read; a crash leaves one.

    Raises:
        AlertLogError: If it is there and none can, or it cannot be opened.
    """
    try:
        lines = [line for line in path.read_text("utf-8", "replace").splitlines() if line.strip()]
    except FileNotFoundError:
        return 0
    except OSError as wrong:
        raise AlertLogError(f"{path}: cannot read alerts here: {wrong.strerror}") from None
    unread = len(lines) - len(_parsed(lines))
    if lines and unread == len(lines):
        raise AlertLogError(f"{path}: none of its {len(lines)} lines is an alert; move it away")
    return unread


def _end_torn_line(file: IO[str]) -> None:
    """Start a new line after one that a crash cut off, so that the next is not lost with it."""
    file.seek(0)
    last = ""
    for last in file:  # noqa: B007 - the last line is what is wanted
        pass
    if last and not last.endswith("\n"):
        file.write("\n")


def _parsed(file: Iterable[str]) -> list[Line]:
    return [line for text in file if (line := _line(text))]


def _line(text: str) -> Line:
    try:
        line = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return line if isinstance(line, dict) else {}
