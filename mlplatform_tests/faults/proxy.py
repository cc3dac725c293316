"""A proxy before S3 that loses or fakes the answers to commits: done but not told, told but not done."""

from http.client import HTTPConnection, HTTPResponse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import urlsplit

_NOT_FORWARDED = {"connection", "transfer-encoding", "keep-alive"}


class LossyProxy:
    """Forwards everything to `upstream`; `faults` says what happens to the next commits.

    `lost`: done, the connection closed without an answer. `late`: done, answered 503. `refused`: not
    done, answered 503. `cut`: done, half an answer. After the last one all is faithful.
    """

    def __init__(self, upstream: str) -> None:
        self.upstream = urlsplit(upstream).netloc
        self.faults: list[str] = []
        handler = type("Handler", (_Handler,), {"proxy": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        self._thread = Thread(target=self._server.serve_forever, daemon=True)

    @property
    def url(self) -> str:
        """Where clients connect."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> "LossyProxy":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def fault_of(self, method: str, path: str) -> str:
        """Return what happens to this request, and count it when it is a commit."""
        commit = "/_delta_log/" in path and urlsplit(path).path.endswith(".json")
        return self.faults.pop(0) if method == "PUT" and commit and self.faults else ""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    proxy: LossyProxy

    def _handle(self) -> None:
        body = self._body()
        fault = self.proxy.fault_of(self.command, self.path)
        if fault == "refused":
            self._answer(503)
            return
        upward = HTTPConnection(self.proxy.upstream, timeout=30)
        upward.request(self.command, self.path, body, dict(self.headers))
        answer = upward.getresponse()
        data = answer.read()
        upward.close()
        if fault == "late":
            self._answer(503)
        elif fault in {"lost", "cut"}:
            self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Le" if fault == "cut" else b"")
            self.close_connection = True
        else:
            self._answer(answer.status, answer, data)

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = _handle  # noqa: N815 - http.server's names.

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        del self.headers["Transfer-Encoding"]
        data = b""
        while size := int(self.rfile.readline().split(b";")[0], 16):
            data += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        self.headers["Content-Length"] = str(len(data))
        return data

    def _answer(self, status: int, answer: HTTPResponse | None = None, data: bytes = b"") -> None:
        headers = dict(answer.getheaders()) if answer else {}
        self.send_response_only(status)
        for name, value in headers.items():
            if name.lower() not in _NOT_FORWARDED:
                self.send_header(name, value)
        if "content-length" not in map(str.lower, headers):
            self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        """Stay silent."""
