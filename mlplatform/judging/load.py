"""Many clients at once on one server: each sends its next request as soon as it has its answer (a closed loop).

One thread waits for all connections at once; a request costs it about 20 microseconds.
"""

import selectors
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from mlplatform.errors import ServingError
from mlplatform.judging import wire

WAIT = 1.0  # Seconds without any answer before it is looked whether the time is over.


@dataclass(frozen=True)
class Loaded:
    """What came back, in the order it came.

    Attributes:
        seconds: When each good answer was whole, since the beginning.
        latency_ms: How long each took.
        errors: Answers with another status, and connections that broke.
        first_error: The first of them, in words.
        took: Seconds from the beginning to the end.
    """

    seconds: list[float]
    latency_ms: list[float]
    errors: int
    first_error: str
    took: float


@dataclass
class _Client:
    connection: socket.socket
    row: int
    sent: float = 0.0
    reply: bytes = b""


@dataclass
class _Tally:
    began: float
    seconds: list[float] = field(default_factory=list)
    latency_ms: list[float] = field(default_factory=list)
    errors: int = 0
    first_error: str = ""

    def good(self, now: float, sent: float) -> None:
        self.seconds.append(now - self.began)
        self.latency_ms.append((now - sent) * 1000)

    def bad(self, why: str) -> None:
        self.errors += 1
        self.first_error = self.first_error or why


def load(url: str, requests: Sequence[bytes], clients: int, seconds: float) -> Loaded:
    """Ask for so many seconds with so many clients, and return what came back.

    A client whose connection breaks counts as an error and opens another one.

    Args:
        url: The server.
        requests: As `wire.requests` makes them; each client starts elsewhere and takes them in turn.
        clients: Connections, each with one request under way.
        seconds: When no further request is sent; those under way then are neither good nor errors.

    Raises:
        ServingError: If the server cannot be reached at all, or no more.
    """
    step = max(len(requests) // clients, 1)
    crowd = [_Client(wire.connected(url), n * step) for n in range(clients)]
    tally = _Tally(time.perf_counter())
    with selectors.DefaultSelector() as waiting:
        try:
            for client in crowd:
                waiting.register(client.connection, selectors.EVENT_READ, client)
                _send(client, requests)
            end = tally.began + seconds
            while time.perf_counter() < end:
                for key, _ in waiting.select(WAIT):
                    _take(key.data, requests, tally, waiting, url)
        finally:
            for client in crowd:
                client.connection.close()
    took = time.perf_counter() - tally.began
    return Loaded(tally.seconds, tally.latency_ms, tally.errors, tally.first_error, took)


def _send(client: _Client, requests: Sequence[bytes]) -> None:
    client.sent, client.reply = time.perf_counter(), b""
    client.connection.sendall(requests[client.row % len(requests)])
    client.row += 1


def _take(
    client: _Client,
    requests: Sequence[bytes],
    tally: _Tally,
    waiting: selectors.BaseSelector,
    url: str,
) -> None:
    """Read what has come; send the next request once the reply is whole."""
    try:
        if not _read(client):
            return
        if client.reply.startswith(wire.GOOD):
            tally.good(time.perf_counter(), client.sent)
        else:
            tally.bad(wire.said(client.reply))
        _send(client, requests)
    except (OSError, ServingError, ValueError) as wrong:
        tally.bad(str(wrong))
        waiting.unregister(client.connection)
        client.connection.close()
        client.connection = wire.connected(url)
        waiting.register(client.connection, selectors.EVENT_READ, client)
        _send(client, requests)


def _read(client: _Client) -> bool:
    """Take what has come; return whether the reply is whole."""
    got = client.connection.recv(wire.CHUNK)
    if not got:
        raise ServingError("the server closed a connection")
    client.reply += got
    return wire.whole(client.reply)
