"""The alert log: JSON lines, appended under a lock that all processes share."""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

from mlplatform.errors import PlatformError


class AlertLogError(PlatformError):
    """The alert log cannot be written."""


class OpenLog:
    """The log while this process holds its lock."""

    def __init__(self, file: IO[str]) -> None:
        self._file = file

    def lines(self, key: str) -> list[dict[str, Any]]:
        """Return what the log holds about `key`. A line cut off by a crash is passed over."""
        self._file.seek(0)
        return [line for text in self._file if (line := _parsed(text)).get("key") == key]

    def append(self, **line: Any) -> None:
        """Write one line, durably, with the time."""
        at = datetime.now(UTC).isoformat(timespec="milliseconds")
        self._file.seek(0, os.SEEK_END)
        self._file.write(json.dumps({"at": at, **line}) + "\n")
        self._file.flush()
        os.fsync(self._file.fileno())


@contextmanager
def locked(path: Path) -> Iterator[OpenLog]:
    """Open the log at `path`, made if need be, and hold its lock.

    Raises:
        AlertLogError: If it cannot be opened for writing.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.open("a+", encoding="utf-8", errors="replace")
    except OSError as wrong:
        raise AlertLogError(f"{path}: cannot keep alerts here: {wrong.strerror}") from None
    with file:
        fcntl.flock(file, fcntl.LOCK_EX)  # Released when the file is closed, also by a crash.
        _end_torn_line(file)
        yield OpenLog(file)


def _end_torn_line(file: IO[str]) -> None:
    """Start a new line after one that a crash cut off, so that the next is not lost with it."""
    file.seek(0)
    last = ""
    for last in file:  # noqa: B007 - the last line is what is wanted
        pass
    if last and not last.endswith("\n"):
        file.write("\n")


def _parsed(text: str) -> dict[str, Any]:
    try:
        line = json.loads(text)
    except ValueError:
        return {}
    return line if isinstance(line, dict) else {}
