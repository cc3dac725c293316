"""A real HTTP server that receives alerts and keeps them: the other end of a webhook."""

import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any


class Endpoint:
    """Keeps what it is sent, and answers as told.

    Attributes:
        received: Bodies, oldest first: apprise's JSON has `title`, `message` and `type`.
        status: HTTP status of the answers.
        hangs: Whether it takes requests and answers none until it is closed.
    """

    def __init__(self) -> None:
        self.received: list[dict[str, Any]] = []
        self.status, self.hangs = 200, False
        self._closed = Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def url(self, path: str = "") -> str:
        """Return the address as apprise writes it, for `MLPLATFORM_ALERT_URLS`."""
        return f"json://127.0.0.1:{self.port}/{path}"

    @property
    def titles(self) -> list[str]:
        """Titles of what it received, oldest first."""
        return [str(message["title"]) for message in self.received]

    def release(self) -> None:
        """Hang up on those that wait for an answer."""
        self._closed.set()

    def close(self) -> None:
        """Stop listening."""
        self.release()
        self._server.shutdown()
        self._server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        endpoint = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                endpoint.received.append(json.loads(body))
                if endpoint.hangs:
                    endpoint._closed.wait()
                    return
                self.send_response(endpoint.status)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        return Handler
