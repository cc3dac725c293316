"""One model that takes all requests and is never replaced: what a candidate's server has for traffic."""

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from mlplatform.errors import ServingError
from mlplatform.rollout import Model, TrafficState
from mlplatform.serve.models import Traffic, load, traffic
from mlplatform.serve.settings import ServeSettings

if TYPE_CHECKING:
    from mlplatform.lake import Lake
    from mlplatform.serve.lookup import Lookup
    from mlplatform.serve.prediction_log import Answer

LOAD_SECONDS = 30.0  # Far longer than a model takes.


class Fixed:
    """The traffic of one artifact that nobody deployed; the look of a `Follower`.

    Attributes:
        traffic: The one model; `None` until it is warm.
        problem: Always empty: a model that cannot be loaded ends the server.
    """

    def __init__(
        self, lake: "Lake", digest: str, lookup: "Lookup | None", settings: ServeSettings
    ) -> None:
        self._lake, self._model = lake, Model(version=0, digest=digest)
        self._lookup, self._settings = lookup, settings
        self._thread: threading.Thread | None = None
        self.traffic: Traffic | None = None
        self.problem = ""

    @property
    def is_up_to_date(self) -> bool:
        """Whether the model answers."""
        return self.traffic is not None

    def start(self, first: Callable[[ServingError | None], None]) -> None:
        """Load in a thread; `first` is told when the model is warm, or why not."""

        def run() -> None:
            try:
                self._load()
            except ServingError as wrong:
                first(wrong)
            else:
                first(None)

        self._thread = threading.Thread(target=run, name="candidate", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Return once a load that has begun is over."""
        if self._thread is not None:
            self._thread.join(LOAD_SECONDS)

    def _load(self) -> None:
        rows = self._settings.max_rows
        loaded = load(self._lake, self._model, 1)  # Longer batches compile when they come.
        if loaded.keys:
            if self._lookup is None:
                raise ServingError("the model reads aggregates; say which version to look up")
            self._lookup.require(loaded.keys, wait=True)
        state = TrafficState(champion=self._model)
        self.traffic = traffic(state, {self._model.digest: loaded}, rows)


class NoLog:
    """Where answers go that nobody keeps; the look of a `PredictionLog`."""

    def offer(self, answer: "Answer") -> bool:
        """Forget an answer."""
        return bool(answer)

    def close(self) -> None:
        """Nothing is open."""
