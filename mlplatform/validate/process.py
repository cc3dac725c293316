"""A child process that speaks lines: spawned, asked with a deadline, and never left behind."""

import contextlib
import os
import selectors
import signal
import subprocess
import time
import weakref
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, cast

from mlplatform.errors import WorkerError

EXIT_SECONDS = 5.0  # A worker exits as soon as its input closes; one that does not is killed.


class LineProcess:
    """A running command with lines on its standard input and output, and its errors in `log`.

    Raises:
        WorkerError: If the command cannot be started.
    """

    def __init__(self, command: Sequence[str], log: Path, environment: Mapping[str, str]) -> None:
        log.parent.mkdir(parents=True, exist_ok=True)
        self._log = log
        try:
            with log.open("ab") as errors:
                self._log_began = errors.tell()
                self._process = subprocess.Popen(
                    command,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=errors,
                    env=dict(environment),
                )
        except OSError as wrong:
            raise WorkerError(
                f"{command[0]}: {wrong.strerror}; correct the interpreter or run `make install`"
            ) from None
        self._input = cast("IO[bytes]", self._process.stdin)
        self._output = cast("IO[bytes]", self._process.stdout)
        self._unread = b""
        self._finish = weakref.finalize(self, _end, self._process)

    @property
    def pid(self) -> int:
        """The child's process id."""
        return self._process.pid

    def send(self, line: str) -> None:
        """Write one line.

        Raises:
            EOFError: If the child is gone.
        """
        try:
            self._input.write(line.encode() + b"\n")
            self._input.flush()
        except (BrokenPipeError, ValueError):
            raise EOFError from None

    def receive(self, seconds: float) -> str:
        """Return the next line.

        Raises:
            TimeoutError: If none comes within `seconds`.
            EOFError: If the child is gone.
        """
        deadline = time.monotonic() + seconds
        while b"\n" not in self._unread:
            self._unread += self._read(deadline - time.monotonic())
        line, _, self._unread = self._unread.partition(b"\n")
        return line.decode(errors="replace")

    def stop(self) -> None:
        """Close its input, wait for it to go, and kill it if it does not."""
        self._finish()

    def kill(self) -> None:
        """End it at once."""
        self._process.kill()
        self._finish()

    def fate(self) -> str:
        """Say how the child, known to be gone, ended."""
        self._finish()
        code = self._process.returncode
        if code >= 0:
            return f"exit code {code}"
        return f"killed by {signal.Signals(-code).name}"

    def last_words(self) -> str:
        """Return the last line this child wrote to its log."""
        with self._log.open("rb") as log:
            log.seek(self._log_began)
            lines = [
                line for line in log.read().decode(errors="replace").splitlines() if line.strip()
            ]
        return lines[-1].strip() if lines else "nothing in its log"

    def _read(self, seconds: float) -> bytes:
        with selectors.DefaultSelector() as selector:
            selector.register(self._output, selectors.EVENT_READ)
            if seconds <= 0 or not selector.select(seconds):
                raise TimeoutError
        chunk = os.read(self._output.fileno(), 65_536)
        if not chunk:
            raise EOFError
        return chunk


def _end(process: "subprocess.Popen[bytes]") -> None:
    """Close the pipes and reap the child, so that neither it nor a zombie of it remains."""
    for pipe in (process.stdin, process.stdout):
        with contextlib.suppress(OSError):
            if pipe is not None:
                pipe.close()
    try:
        process.wait(EXIT_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
