"""Runs the prediction server of one pipeline until it is told to stop."""

import signal
import socket
import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from tempfile import TemporaryDirectory
from types import FrameType
from typing import TYPE_CHECKING

import uvicorn

from mlplatform import __version__
from mlplatform.errors import ServingError
from mlplatform.ingest.access import no_secret
from mlplatform.lake import Lineage
from mlplatform.serve import app
from mlplatform.serve.fixed import Fixed, NoLog
from mlplatform.serve.follow import Follower
from mlplatform.serve.lookup import TABLE as AGGREGATES
from mlplatform.serve.lookup import Lookup
from mlplatform.serve.metrics import Metrics
from mlplatform.serve.prediction_log import TABLE, PredictionLog
from mlplatform.serve.service import Service
from mlplatform.serve.settings import ServeSettings
from mlplatform.serve.store import opener

if TYPE_CHECKING:
    from mlplatform.lake import Lake

HERE = "127.0.0.1"
BACKLOG = 2048  # connections waiting to be accepted; uvicorn's own default


def run(
    lake: "Lake",
    pipeline_name: str,
    host: str = HERE,
    port: int = 8080,
    ready: Callable[[str], None] | None = None,
    settings: ServeSettings | None = None,
    connection: Callable[[str], str] = no_secret,
) -> None:
    """Serve what is deployed until SIGTERM or SIGINT, then drain, write the log and return.

    Args:
        lake: Where deployments, models and predictions are.
        pipeline_name: Whose models.
        host: Address to listen on.
        port: Port to listen on; 0 picks a free one.
        ready: Called once with the server's URL when the models are warm.
        settings: Limits and intervals.
        connection: Returns the address behind the name in `settings.online_store`.

    Raises:
        ServingError: If the port is taken, the lake is missing, nothing is deployed, or the
            deployed model, or what it looks up, cannot be loaded.
    """
    settings, metrics = settings or ServeSettings(), Metrics()
    with TemporaryDirectory(prefix="mlplatform-serve-") as own:
        folder = settings.cache_folder or own
        store = opener(lake.root, pipeline_name, settings.online_store, folder, connection)
        lookup = Lookup(lake.table(f"{pipeline_name}/{AGGREGATES}"), store, metrics)
        follower = Follower(lake, pipeline_name, lookup, metrics, settings)
        follower.require_deployment()
        listening = _listen(host, port)
        table, lineage = lake.table(f"{pipeline_name}/{TABLE}"), _lineage(pipeline_name)
        log = PredictionLog(table, follower.columns, lineage, metrics, settings)
        lookup.start(settings.poll_seconds, settings.retry_seconds)
        service = Service(pipeline_name, follower, lookup, log, metrics, settings)
        _serve(service, host, listening, ready)


def run_candidate(
    lake: "Lake",
    name: str,
    digest: str,
    aggregates: tuple[str, int] | None = None,
    ready: Callable[[str], None] | None = None,
    settings: ServeSettings | None = None,
) -> None:
    """Serve one artifact that nobody deployed, on a free port of this machine, until SIGTERM or SIGINT.

    Args:
        lake: Where artifact and aggregates are.
        name: What addresses call the model.
        digest: The artifact.
        aggregates: Table and number of the version that aggregates are looked up in.
        ready: Called once with the server's URL when the model is warm.
        settings: Limits.

    Raises:
        ServingError: If the model cannot be loaded, or reads aggregates that the version has not.
    """
    settings, metrics = settings or ServeSettings(), Metrics()
    table, number = aggregates or (f"{name}/{AGGREGATES}", None)
    with TemporaryDirectory(prefix="mlplatform-serve-") as own:
        store = opener(lake.root, name, "", settings.cache_folder or own, no_secret)
        lookup = Lookup(lake.table(table), store, metrics, number)
        source = Fixed(lake, digest, lookup if aggregates else None, settings)
        service = Service(name, source, lookup, NoLog(), metrics, settings)
        _serve(service, HERE, _listen(HERE, 0), ready)


def _serve(
    service: Service, host: str, listening: socket.socket, ready: Callable[[str], None] | None
) -> None:
    url = f"http://{host}:{listening.getsockname()[1]}"
    server = _Server(service)
    try:
        service.follower.start(_first(server, url, ready))
        with suppress(KeyboardInterrupt):
            server.run(sockets=[listening])
    finally:
        listening.close()
        service.follower.stop()
        service.lookup.stop()
        service.log.close()
    if server.failure is not None:
        raise server.failure


class _Server(uvicorn.Server):
    """Drains on a signal and then returns, where uvicorn would end by the signal again."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._close_at = float("inf")
        self.failure: ServingError | None = None
        config = uvicorn.Config(
            app.build(service),
            ws="none",
            lifespan="off",
            access_log=False,
            log_config=None,
            server_header=False,
            backlog=BACKLOG,
            timeout_graceful_shutdown=int(service.settings.grace_seconds),
        )
        super().__init__(config)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Stop being ready, and close the door after the time that load balancers need."""
        if self._service.is_draining and sig == signal.SIGINT:
            self.force_exit = True  # A second Ctrl-C does not wait.
        self._service.is_draining = True
        self._close_at = time.monotonic() + self._service.settings.drain_seconds

    async def on_tick(self, counter: int) -> bool:
        """Return whether to close; asked ten times a second."""
        self.should_exit = self.should_exit or time.monotonic() >= self._close_at
        return await super().on_tick(counter)


def _first(
    server: _Server, url: str, ready: Callable[[str], None] | None
) -> Callable[[ServingError | None], None]:
    def first(failure: ServingError | None) -> None:
        if failure is not None:
            server.failure, server.should_exit = failure, True
        elif ready is not None:
            ready(url)

    return first


def _listen(host: str, port: int) -> socket.socket:
    try:
        return socket.create_server((host, port), backlog=BACKLOG)
    except OSError as wrong:
        cure = "stop what listens there, or choose another port"
        raise ServingError(
            f"cannot listen on {host}:{port}: {wrong.strerror or wrong}; {cure}"
        ) from wrong


def _lineage(pipeline_name: str) -> Lineage:
    server_id = f"serve-{uuid.uuid4().hex[:12]}"
    return Lineage(asset=f"{pipeline_name}/{TABLE}", run_id=server_id, code_version=__version__)
