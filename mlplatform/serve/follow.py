"""Follows the deployment table: loads what it names and hands over the traffic as one value."""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from mlplatform.errors import PlatformError, ServingError
from mlplatform.rollout import Model, TrafficState, events
from mlplatform.serve.metrics import Metrics
from mlplatform.serve.models import LoadedModel, Traffic, load, traffic
from mlplatform.serve.settings import ServeSettings

if TYPE_CHECKING:
    from mlplatform.lake import Lake
    from mlplatform.serve.lookup import Lookup

LOAD_SECONDS = 30.0  # Far longer than a model takes.

_log = logging.getLogger(__name__)


class Follower:
    """Keeps one pipeline's models in memory in step with its deployment table.

    A model that cannot be loaded never gets traffic: the last good ones go on, and it is tried
    again. The previous champion stays in memory, so that a rollback needs no loading.

    Attributes:
        traffic: Who answers now; `None` until the first models are warm.
        problem: What keeps the models from being the deployed ones; empty when nothing does.
    """

    def __init__(
        self,
        lake: "Lake",
        pipeline: str,
        lookup: "Lookup",
        metrics: Metrics,
        settings: ServeSettings,
    ) -> None:
        self._lake, self._pipeline, self._lookup = lake, pipeline, lookup
        self._table = lake.table(f"{pipeline}/{events.TABLE}")
        self._metrics, self._settings = metrics, settings
        self._loaded: dict[str, LoadedModel] = {}
        self._wanted = TrafficState()
        self._seen = -1  # Number of the deployment table's version last read.
        self._retry_at = 0.0
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self.traffic: Traffic | None = None
        self.problem = ""
        self._why = ""

    def require_deployment(self) -> None:
        """Return when something is deployed.

        Raises:
            ServingError: If the lake is missing or cannot be read, or nothing is deployed.
        """
        try:
            missing = not self._table.exists()
            empty = missing and not self._lake.tables()
        except PlatformError as wrong:
            raise ServingError(f"cannot serve {self._pipeline}: {wrong}") from wrong
        if empty:
            raise ServingError(f"{self._lake.root}: no lake here; run the pipeline, or name it")
        if missing:
            raise ServingError(
                f"{self._pipeline} has no deployment yet in {self._lake.root}; run the pipeline first"
            )

    @property
    def is_up_to_date(self) -> bool:
        """Whether the models that answer are the deployed ones."""
        current = self.traffic is not None and self.traffic.state == self._wanted
        return current and not self.problem

    def columns(self) -> dict[str, str]:
        """Return name and type of every column that a live model reads."""
        arms = self.traffic.arms.values() if self.traffic else ()
        return {name: kind for each in arms for name, kind in each.loaded.columns.items()}

    def start(self, first: Callable[[ServingError | None], None]) -> None:
        """Load and follow in a thread; `first` is told when the first models are warm, or why not."""
        self._thread = threading.Thread(
            target=self._run, args=(first,), name="deployment-follower", daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """Stop following, once a load that has begun is over.

        A process that ended in the middle of XLA's compiler would be aborted, not stopped.
        """
        self._stop.set()
        if self._thread is not None:
            self._thread.join(LOAD_SECONDS)

    def _run(self, first: Callable[[ServingError | None], None]) -> None:
        self.look()
        if self._stop.is_set():
            return
        first(None if self.traffic else ServingError(f"cannot serve {self._pipeline}: {self._why}"))
        while not self._stop.wait(self._settings.poll_seconds):
            self.look()

    def look(self) -> None:
        """Bring the models in step with the table as it is now."""
        try:
            self._read()
            if not self.is_up_to_date and time.monotonic() >= self._retry_at:
                self._catch_up()
        except PlatformError as wrong:
            self._metrics.follow_failures.inc()
            self._say("the deployment table cannot be read; the last good models answer", wrong)
        except Exception as wrong:  # This thread must outlive whatever a deployment holds.
            _log.exception("following %s", self._pipeline)
            self._say("the deployment cannot be followed; the last good models answer", wrong)
        self._metrics.up_to_date.set(self.is_up_to_date)

    def _read(self) -> None:
        newest = self._table.latest()
        if newest is None:
            raise ServingError(f"the table {self._table.name} is gone")
        if newest.number == self._seen:
            return
        self._wanted = events.state(events.read(self._table, newest))
        self._lookup.forget_asked()
        self._seen = newest.number
        self._retry_at = 0.0

    def _catch_up(self) -> None:
        wanted = self._wanted
        if wanted.champion is None:
            raise ServingError("nothing is deployed")
        failed = [m for m in (wanted.champion, wanted.canary) if m and not self._have(m)]
        if wanted.champion not in failed:
            if failed:
                wanted = replace(wanted, canary=None, canary_percent=0.0)
            self._answer_by(wanted)
        if not failed:
            self.problem = ""

    def _answer_by(self, state: TrafficState) -> None:
        self.traffic = traffic(state, self._loaded, self._settings.max_rows)
        live = (each.loaded.keys for each in self.traffic.arms.values())
        self._lookup.live(frozenset().union(*live))
        models = (state.champion, state.canary, state.previous, self._wanted.canary)
        kept = {model.digest for model in models if model}
        self._loaded = {digest: each for digest, each in self._loaded.items() if digest in kept}
        self._metrics.show(self.traffic)

    def _have(self, model: Model) -> bool:
        """Whether the model and what it looks up are in memory, loading them if need be."""
        try:
            if model.digest not in self._loaded:
                limits = self._settings
                self._loaded[model.digest] = load(
                    self._lake, model, limits.max_rows, limits.verify_key
                )
            keys = self._loaded[model.digest].keys
            self._lookup.require(keys, wait=self.traffic is None)
        except ServingError as wrong:
            self._metrics.load_failures.inc()
            self._retry_at = time.monotonic() + self._settings.retry_seconds
            self._say(f"model version {model.version} cannot be loaded", wrong)
            return False
        return True

    def _say(self, problem: str, wrong: Exception) -> None:
        # Health shows `problem`; the reason may hold paths and goes to the log.
        if problem != self.problem:
            _log.warning("%s: %s", problem, wrong)
        self.problem, self._why = problem, str(wrong)
