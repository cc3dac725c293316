"""SIGTERM as a question asked between epochs, and not as an end in the middle of one."""

import signal
import threading
from types import FrameType
from typing import Any

from mlplatform.errors import PreemptedError
from mlplatform.train import together


class Preemption:
    """While entered, SIGTERM is remembered; the handler before it is back afterwards.

    Only the main thread can ask the system for signals; in any other this does nothing. A second
    SIGTERM goes to the handler that was there before: whoever sends it no longer wants to wait.
    """

    def __init__(self) -> None:
        self._told = False
        self._before: Any = None
        self._listens = False

    def __enter__(self) -> "Preemption":
        """Listen."""
        if threading.current_thread() is threading.main_thread():
            self._before = signal.signal(signal.SIGTERM, self._hear)
            self._listens = True
        return self

    def __exit__(self, *_: object) -> None:
        """Listen no more."""
        self._restore()

    @property
    def requested(self) -> bool:
        """Whether SIGTERM came, to this or to any other process of the training."""
        return together.anywhere(self._told)

    def error(self, epoch: int, *, kept: bool = True) -> PreemptedError:
        """Return what to raise once the checkpoint is written.

        Args:
            epoch: The last that is in it; 0 for none.
            kept: Whether there is one.
        """
        then = (
            "the checkpoint is kept: run the same command to go on" if kept else "nothing is kept"
        )
        return PreemptedError(f"stopped by SIGTERM after epoch {epoch}; {then}")

    def _hear(self, number: int, frame: FrameType | None) -> None:
        self._told = True
        self._restore()

    def _restore(self) -> None:
        if self._listens:
            self._listens = False
            # None: the handler was not installed from Python, and cannot be put back from it.
            signal.signal(signal.SIGTERM, signal.SIG_DFL if self._before is None else self._before)
