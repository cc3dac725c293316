"""What the server answers when it will not predict: RFC 9457 problem details, never a traceback."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

MEDIA_TYPE = "application/problem+json"
DETAIL_LENGTH = 400  # characters; a reply never repeats a megabyte of input


class Problem(Exception):  # noqa: N818 - the name RFC 9457 gives it
    """A refused request.

    Args:
        status: The HTTP status.
        detail: What was wrong, what was expected, and what to do.
        pointer: JSON pointer (RFC 6901) to the wrong field of the body.
        headers: Further headers of the reply, such as `retry-after`.
    """

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        pointer: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status, self.pointer, self.headers = status, pointer, dict(headers or {})
        self.detail = detail if len(detail) <= DETAIL_LENGTH else detail[:DETAIL_LENGTH] + "…"

    def body(self) -> dict[str, Any]:
        """Return the problem details object."""
        said: dict[str, Any] = {
            "type": "about:blank",
            "title": HTTPStatus(self.status).phrase,
            "status": self.status,
            "detail": self.detail,
        }
        if self.pointer is not None:
            said["pointer"] = self.pointer
        return said
