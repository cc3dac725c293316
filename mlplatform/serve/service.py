"""What the endpoints of one server share."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Protocol

from mlplatform.errors import ServingError
from mlplatform.serve.metrics import Metrics
from mlplatform.serve.problem import Problem
from mlplatform.serve.settings import ServeSettings

if TYPE_CHECKING:
    from mlplatform.serve.lookup import Lookup
    from mlplatform.serve.models import Traffic
    from mlplatform.serve.prediction_log import Answer

RETRY = {"retry-after": "1"}  # seconds


class TrafficSource(Protocol):
    """Says which models answer, as one value that it replaces: `Follower`, or `Fixed`.

    Attributes:
        traffic: Who answers now; `None` until the first models are warm.
        problem: What keeps the models from being the wanted ones; empty when nothing does.
    """

    traffic: "Traffic | None"
    problem: str

    @property
    def is_up_to_date(self) -> bool:
        """Whether the models that answer are the wanted ones."""
        ...

    def start(self, first: Callable[[ServingError | None], None]) -> None:
        """Load in a thread; `first` is told when the first models are warm, or why not."""
        ...

    def stop(self) -> None:
        """Return once a load that has begun is over."""
        ...


class AnswerLog(Protocol):
    """Keeps answers: `PredictionLog`, or `NoLog`."""

    def offer(self, answer: "Answer") -> bool:
        """Take an answer without waiting; return whether it is kept."""
        ...

    def close(self) -> None:
        """Keep what was taken, for as long as that may last."""
        ...


class Service:
    """One pipeline's server: its models, its look-ups, its log, its limits.

    Attributes:
        is_draining: Set when the server is about to close: no longer ready, still answering.
        in_flight: Predictions being made, of all endpoints; only the event loop counts.
    """

    def __init__(
        self,
        pipeline: str,
        follower: TrafficSource,
        lookup: "Lookup",
        log: AnswerLog,
        metrics: Metrics,
        settings: ServeSettings,
    ) -> None:
        self.pipeline, self.follower, self.lookup, self.log = pipeline, follower, lookup, log
        self.metrics, self.settings = metrics, settings
        self.pool = ThreadPoolExecutor(settings.predict_threads, thread_name_prefix="predict")
        self.is_draining = False
        self.in_flight = 0

    @property
    def is_ready(self) -> bool:
        """Whether new requests should come here."""
        return self.follower.traffic is not None and not self.is_draining

    def require_traffic(self) -> "Traffic":
        """Return who answers.

        Raises:
            Problem: 503 until the first models are warm.
        """
        traffic = self.follower.traffic
        if traffic is None:
            raise Problem(503, "the models are not warm yet", headers=RETRY)
        return traffic

    def require_name(self, name: str) -> None:
        """Return when `name` is the model of this server.

        Raises:
            Problem: 404 for any other.
        """
        if name != self.pipeline:
            raise Problem(404, f"no model {name[:80]!r}; this server has {self.pipeline!r}")
