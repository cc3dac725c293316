"""Requests that are prepared once, and a reader of replies that costs a few microseconds: a client for timing.

The generator of load shares the cores with the server that it measures. An HTTP library would spend
longer on a request than the server does; this reads of a reply what says whether it is whole and good.
"""

import socket
import time
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any
from urllib.parse import urlsplit

import msgspec

from mlplatform.errors import ServingError
from mlplatform.serve.client import plain

CHUNK = 1 << 16  # Bytes read at once: far more than the answer about one row.
IDLE_SECONDS = 2.0  # Servers close a connection that nobody uses: uvicorn after 5.
SECONDS = 30.0  # Longest wait for one answer.
GOOD = b"HTTP/1.1 200"
HEAD_ENDS = b"\r\n\r\n"
LENGTH = b"content-length:"


def requests(url: str, rows: Sequence[Mapping[str, Any]]) -> list[bytes]:
    """Return a whole request of `/predict` for each row, of a connection that is kept.

    Raises:
        PredictionError: If a row holds an infinite number, which JSON has not.
    """
    host = urlsplit(url).netloc
    head = f"POST /predict HTTP/1.1\r\nhost: {host}\r\ncontent-type: application/json\r\n"
    bodies = [msgspec.json.encode({"rows": [plain(row, n)]}) for n, row in enumerate(rows)]
    return [f"{head}content-length: {len(body)}\r\n\r\n".encode() + body for body in bodies]


def connected(url: str) -> socket.socket:
    """Return a connection to the server, which sends what it is given at once.

    Raises:
        ServingError: If there is none.
    """
    at = urlsplit(url)
    try:
        made = socket.create_connection((at.hostname, at.port or 80), SECONDS)
    except OSError as wrong:
        raise ServingError(f"{url} cannot be reached: {wrong}") from wrong
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return made


def whole(reply: bytes) -> bool:
    """Return whether a reply has come to its end.

    Raises:
        ServingError: If it does not say how long it is.
    """
    end = reply.find(HEAD_ENDS)
    if end < 0:
        return False
    at = reply[:end].lower().find(LENGTH)
    if at < 0:
        raise ServingError(f"a reply without its length: {said(reply)}")
    length = int(reply[at + len(LENGTH) : end].split(b"\r\n", 1)[0])
    return len(reply) >= end + len(HEAD_ENDS) + length


def said(reply: bytes) -> str:
    """Return status and body of a reply as one line, for a person."""
    head, _, body = reply.partition(HEAD_ENDS)
    status = head.split(b"\r\n", 1)[0].partition(b" ")[2]
    return " ".join(f"{status.decode('latin-1')}: {body[:200].decode('utf-8', 'replace')}".split())


class Connection:
    """One client of one server, on one connection that is kept while it is in use; a context manager."""

    def __init__(self, url: str) -> None:
        self.url, self._socket, self._used = url, connected(url), time.monotonic()

    def ask(self, request: bytes) -> bytes:
        """Send a request and return the reply once it is whole.

        Raises:
            ServingError: If the status is not 200, or no whole reply comes.
        """
        now = time.monotonic()
        if now - self._used > IDLE_SECONDS:
            self._socket.close()
            self._socket = connected(self.url)
        self._used = now
        try:
            self._socket.sendall(request)
            reply = self._socket.recv(CHUNK)
            while not whole(reply):
                more = self._socket.recv(CHUNK)
                if not more:
                    raise ServingError(f"{self.url} closed the connection")
                reply += more
        except OSError as wrong:
            raise ServingError(f"{self.url} does not answer: {wrong}") from wrong
        if not reply.startswith(GOOD):
            raise ServingError(f"the server answers {said(reply)}")
        return reply

    def __enter__(self) -> "Connection":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        wrong: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._socket.close()
