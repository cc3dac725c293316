"""What the server counts, for Prometheus. Labels never hold user or feature values."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

if TYPE_CHECKING:
    from mlplatform.serve.models import Traffic

SECONDS = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 1.0)


class Metrics:
    """The counters of one server, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        self.requests = Counter(
            "mlplatform_http_requests",
            "Requests answered.",
            ["endpoint", "status"],
            registry=registry,
        )
        self.predictions = Counter(
            "mlplatform_predictions",
            "Rows predicted.",
            ["arm", "model_version"],
            registry=registry,
        )
        self.failures = Counter(
            "mlplatform_prediction_failures",
            "Requests a model could not answer.",
            ["arm", "model_version"],
            registry=registry,
        )
        self.latency = Histogram(
            "mlplatform_prediction_duration_seconds",
            "From the whole body to the reply.",
            ["arm"],
            buckets=SECONDS,
            registry=registry,
        )
        self.in_flight = Gauge(
            "mlplatform_predictions_in_flight", "Predictions being made.", registry=registry
        )
        self.load_failures = Counter(
            "mlplatform_model_load_failures",
            "Models that could not be loaded; the last good ones go on.",
            registry=registry,
        )
        self.follow_failures = Counter(
            "mlplatform_deployment_read_failures",
            "Times the deployment table could not be read.",
            registry=registry,
        )
        self.up_to_date = Gauge(
            "mlplatform_deployment_up_to_date",
            "1 when the models in memory are the deployed ones.",
            registry=registry,
        )
        self.aggregates_version = Gauge(
            "mlplatform_aggregates_version",
            "Version of the table of aggregates that values are looked up in; NaN before the first.",
            registry=registry,
        )
        self.aggregates_version.set(float("nan"))
        self._aggregates_age = Gauge(
            "mlplatform_aggregates_age_seconds",
            "Since that version was committed.",
            registry=registry,
        )
        self.model = Gauge(
            "mlplatform_model_traffic_percent",
            "Share of traffic of each live model.",
            ["arm", "model_version", "model_digest"],
            registry=registry,
        )
        self.logged = Counter(
            "mlplatform_predictions_logged", "Rows written to the lake.", registry=registry
        )
        self.dropped = Counter(
            "mlplatform_predictions_dropped",
            "Rows not logged: the queue was full, or the lake refused to the end.",
            registry=registry,
        )
        self.unlogged_columns = Gauge(
            "mlplatform_predictions_unlogged_columns",
            "Columns that live models read and the table of predictions does not have.",
            registry=registry,
        )
        self.log_failures = Counter(
            "mlplatform_predictions_log_failures",
            "Times the lake refused rows; they are tried again.",
            registry=registry,
        )

    def age_of_aggregates(self, seconds: Callable[[], float]) -> None:
        """Show as the age of the aggregates what `seconds` returns whenever it is asked for."""
        self._aggregates_age.set_function(seconds)

    def show(self, traffic: "Traffic") -> None:
        """Show which models are live."""
        percent = traffic.state.canary_percent
        shares = {"champion": 100 - percent, "canary": percent}
        self.model.clear()
        for name, each in traffic.arms.items():
            model = each.loaded.model
            self.model.labels(name, str(model.version), model.digest).set(shares[name])

    def text(self) -> bytes:
        """Return everything in Prometheus' text format."""
        return generate_latest(self.registry)
