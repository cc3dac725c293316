"""Runs the prediction server of one pipeline until it is told to stop."""

import signal
import socket
import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from types import FrameType
from typing import TYPE_CHECKING

import uvicorn

from mlplatform import __version__
from mlplatform.errors import ServingError
from mlplatform.lake import Lineage
from mlplatform.serve import app
from mlplatform.serve.follow import Follower
from mlplatform.serve.metrics import Metrics
from mlplatform.serve.prediction_log import TABLE, PredictionLog
from mlplatform.serve.service import Service
from mlplatform.serve.settings import ServeSettings

if TYPE_CHECKING:
    from mlplatform.lake import Lake

BACKLOG = 2048  # connections waiting to be accepted; uvicorn's own default


def run(
    lake: "Lake",
    pipeline_name: str,
    host: str = "127.0.0.1",
    port: int = 8080,
    ready: Callable[[str], None] | None = None,
    settings: ServeSettings | None = None,
) -> None:
    """Serve what is deployed until SIGTERM or SIGINT, then drain, write the log and return.

    Args:
        lake: Where deployments, models and predictions are.
        pipeline_name: Whose models.
        host: Address to listen on.
        port: Port to listen on; 0 picks a free one.
        ready: Called once with the server's URL when the models are warm.
        settings: Limits and intervals.

    Raises:
        ServingError: If the port is taken, the lake is missing, nothing is deployed, or the
            deployed model cannot be loaded.
    """
    settings, metrics = settings or ServeSettings(), Metrics()
    follower = Follower(lake, pipeline_name, metrics, settings)
    follower.require_deployment()
    listening = _listen(host, port)
    url = f"http://{host}:{listening.getsockname()[1]}"
    table, lineage = lake.table(f"{pipeline_name}/{TABLE}"), _lineage(pipeline_name)
    log = PredictionLog(table, follower.columns, lineage, metrics, settings)
    server = _Server(Service(pipeline_name, follower, log, metrics, settings))
    try:
        follower.start(_first(server, url, ready))
        with suppress(KeyboardInterrupt):
            server.run(sockets=[listening])
    finally:
        listening.close()
        follower.stop()
        log.close()
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
