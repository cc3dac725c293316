"""What the endpoints of one server share."""

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from mlplatform.serve.metrics import Metrics
from mlplatform.serve.problem import Problem
from mlplatform.serve.settings import ServeSettings

if TYPE_CHECKING:
    from mlplatform.serve.follow import Follower
    from mlplatform.serve.models import Traffic
    from mlplatform.serve.prediction_log import PredictionLog

RETRY = {"retry-after": "1"}  # seconds


class Service:
    """One pipeline's server: its models, its log, its limits.

    Attributes:
        is_draining: Set when the server is about to close: no longer ready, still answering.
        in_flight: Predictions being made, of all endpoints; only the event loop counts.
    """

    def __init__(
        self,
        pipeline: str,
        follower: "Follower",
        log: "PredictionLog",
        metrics: Metrics,
        settings: ServeSettings,
    ) -> None:
        self.pipeline, self.follower, self.log = pipeline, follower, log
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
