"""Reads request bodies within limits of bytes and time; the server below has neither."""

import asyncio
from typing import TYPE_CHECKING

from mlplatform.serve.problem import Problem

if TYPE_CHECKING:
    from starlette.types import Receive, Scope

CLOSE = {"connection": "close"}  # The rest of a refused body is not worth reading.


class ClientGoneError(Exception):
    """The client left before its body was complete; there is nobody to answer."""


async def read_body(scope: "Scope", receive: "Receive", max_bytes: int, seconds: float) -> bytes:
    """Return the body of a request.

    Raises:
        Problem: 413 above `max_bytes`, 408 after `seconds`, 415 for a compressed body.
        ClientGoneError: If the client disconnects first.
    """
    headers = dict(scope["headers"])
    _refuse_early(headers, max_bytes)
    try:
        async with asyncio.timeout(seconds):
            return await _collect(receive, max_bytes)
    except TimeoutError:
        detail = f"the body did not arrive within {seconds:g} s"
        raise Problem(408, detail, headers=CLOSE) from None


def _refuse_early(headers: dict[bytes, bytes], max_bytes: int) -> None:
    encoding = headers.get(b"content-encoding", b"identity").lower()
    if encoding != b"identity":
        raise Problem(415, "send the body without content-encoding", headers=CLOSE)
    if b"inference-header-content-length" in headers:
        raise Problem(415, "the binary tensor extension is not served; send JSON", headers=CLOSE)
    length = headers.get(b"content-length", b"0")
    if length.isdigit() and int(length) > max_bytes:
        raise _too_large(max_bytes)


async def _collect(receive: "Receive", max_bytes: int) -> bytes:
    message = await receive()
    if message["type"] == "http.request" and not message.get("more_body", False):
        body: bytes = message.get("body", b"")  # Nearly always the whole body in one message.
        if len(body) > max_bytes:
            raise _too_large(max_bytes)
        return body
    got = bytearray()
    while True:
        if message["type"] == "http.disconnect":
            raise ClientGoneError
        got += message.get("body", b"")
        if len(got) > max_bytes:
            raise _too_large(max_bytes)
        if not message.get("more_body", False):
            return bytes(got)
        message = await receive()


def _too_large(max_bytes: int) -> Problem:
    detail = f"the body is larger than {max_bytes} bytes; send fewer rows at once"
    return Problem(413, detail, headers=CLOSE)
