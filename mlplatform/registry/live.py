"""Sends a log while it is written, so that long trainings show their curves, and what is left at its end.

A thread of its own does so, now and then: the one that trains never waits for MLflow before the end.
"""

import threading
from collections.abc import Callable

from mlplatform.errors import RegistryError
from mlplatform.registry import backend
from mlplatform.registry.replay import Replay

# Shorter trainings are sent at their end: importing MLflow takes a core for 5 s.
FIRST_SECONDS = 15.0
EVERY_SECONDS = 5.0
LONGEST_SECONDS = 300.0  # between attempts at an MLflow that does not answer
SEND_SECONDS = 20.0  # for what is left at the end
CURE = "the log is kept, and sent by the next asset that logs or by `mlplatform tracking send`"


class Live:
    """Sends while the block runs and when it ends, also by an error; not when it is interrupted."""

    def __init__(self, replay: Replay, warn: Callable[[str], None]) -> None:
        self.warn = warn
        self.delivered = False
        self._replay = replay
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._run, name="tracking", daemon=True)
        self._problem = ""
        self._said = False

    def __enter__(self) -> "Live":
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._done.set()
        self._thread.join()  # Every request of it has a deadline.
        if kind is None or issubclass(kind, Exception):
            self.delivered = self._sent()
        self.tell()
        if self._replay.refused:
            self.warn(f"{self._replay.refusals()}; the rest is there")

    def tell(self) -> None:
        """Say once, in the thread that calls, what keeps the log from MLflow."""
        if self._problem and not self._said:
            self._said = True
            self.warn(f"{self._problem}; {CURE}")

    def _run(self) -> None:
        pause = FIRST_SECONDS
        while not self._done.wait(pause):
            pause = EVERY_SECONDS if self._sent() else min(2 * pause, LONGEST_SECONDS)

    def _sent(self) -> bool:
        try:
            self._replay.send(SEND_SECONDS)
        except RegistryError as wrong:
            self._problem = str(wrong)
            return False
        except Exception as wrong:  # Whatever is wrong with a log must not end a training.
            uri = self._replay.store.tracking_uri
            said = backend.without_secrets(uri, " ".join(repr(wrong).split()))
            self._problem = f"MLflow at {backend.shown(uri)}: {said}"
            return False
        self._problem = ""
        return True
