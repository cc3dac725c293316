"""The logs of all runs on this machine, and the delivery of those that MLflow has not."""

import math
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from mlplatform.errors import RegistryError
from mlplatform.registry import backend, spool
from mlplatform.registry.replay import Replay, Store
from mlplatform.registry.spool import Spool, locked

KEPT_DAYS = 30  # A log that MLflow has: long enough to send it again to one that lost it.
SEND_SECONDS = 20.0  # an asset gives for the logs of others


@dataclass(frozen=True, kw_only=True)
class Subject:
    """Whose run is logged.

    Attributes:
        experiment: MLflow's experiment: the pipeline's name.
        asset: The asset's table, such as `census_income/model`.
        run_id: The orchestrator's run, of which the asset is a step; a retry is the same run.
        job: What the orchestrator calls that run.
    """

    experiment: str
    asset: str
    run_id: str
    job: str = ""

    @property
    def identity(self) -> str:
        """What the log is called, here and in MLflow."""
        return f"{self.run_id}/{self.asset}"

    def header(self) -> dict[str, str]:
        """Return the first line of the log."""
        return {**vars(self), "identity": self.identity}


@dataclass(frozen=True)
class Outbox:
    """A folder with a log for each asset of each run: `<folder>/<run>/<asset>/log.jsonl`."""

    folder: Path
    store: Store

    def open(self, subject: Subject) -> Spool:
        """Return the log of `subject`, held by this process until it is closed.

        Raises:
            RegistryError: If another process holds it, or the disk does not take it.
        """
        # Names of assets hold no dots, so this is one to one.
        return locked(self.folder / subject.run_id / subject.asset.replace("/", "."))

    def logs(self) -> list[Path]:
        """Return the folder of every log that is kept, oldest first."""
        found = self.folder.glob(f"*/*/{spool.LOG}")
        return [path.parent for path in sorted(found, key=lambda path: path.stat().st_mtime)]

    def waiting(self) -> list[Path]:
        """Return the folder of every log that MLflow has not all of, oldest first."""
        return [folder for folder in self.logs() if spool.waits(folder)]

    def send(self, *, everything: bool = False, seconds: float = math.inf) -> Iterator[str]:
        """Send what waits, or all that is kept, for about `seconds`; yield a line for each log.

        One that is being written is left to its writer, and one that MLflow refuses keeps no other waiting.

        Raises:
            RegistryError: If MLflow is away.
        """
        until = time.monotonic() + seconds
        for folder in self.logs() if everything else self.waiting():
            left = until - time.monotonic()
            if left <= 0:
                return
            yield f"{_name(folder)}: {self._outcome(folder, left, again=everything)}"
        self._forget()

    def send_waiting(self, warn: Callable[[str], None]) -> None:
        """Send what waits, for about `SEND_SECONDS`; `warn` of what keeps it waiting."""
        try:
            for _ in self.send(seconds=SEND_SECONDS):
                pass
        except Exception as wrong:  # The logs of others must not end an asset.
            said = backend.without_secrets(self.store.tracking_uri, str(wrong))
            left = len(self.waiting())
            warn(f"{said}; {left} training logs wait for `mlplatform tracking send`")

    def _outcome(self, folder: Path, seconds: float, *, again: bool) -> str:
        try:
            log = locked(folder, wait_seconds=0)
        except RegistryError as held:
            return str(held)
        try:
            return self._sent(log, seconds, again=again)
        except RegistryError as wrong:
            backend.probe(self.store.tracking_uri)
            return str(wrong)
        finally:
            log.close()

    def _sent(self, log: Spool, seconds: float, *, again: bool) -> str:
        _end_of_a_killed(log)
        replay = Replay(log, self.store, again=again)
        replay.send(seconds)
        return replay.refusals() if replay.refused else "sent"

    def _forget(self) -> None:
        oldest = time.time() - KEPT_DAYS * 24 * 3600
        for folder in self.logs():
            if not spool.waits(folder) and (folder / spool.LOG).stat().st_mtime < oldest:
                shutil.rmtree(folder)
                if not any(folder.parent.glob(f"*/{spool.LOG}")):
                    shutil.rmtree(folder.parent)


def _end_of_a_killed(log: Spool) -> None:
    """Write the end that a killed writer could not; a retry takes it back by going on."""
    status, last = "RUNNING", 0
    for _, entry in log.entries():
        last = entry["at"]
        status = entry.get("status", status) if entry["run"] == "" else status
    if last and status == "RUNNING":
        log.append({"run": "", "at": last, "status": "KILLED"}, durable=True)


def _name(folder: Path) -> str:
    return f"{folder.name.replace('.', '/')} of run {folder.parent.name}"
