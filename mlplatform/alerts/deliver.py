"""One delivery by apprise, that says nothing of the address whatever happens."""

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from mlplatform.alerts.alert import Alert
from mlplatform.alerts.message import markdown, one_line, text

TALKATIVE = ("apprise", "urllib3")  # Loggers that put parts of an address into what they say.
NO_CHANNEL = "this is no URL that apprise knows"
NO_ANSWER = "no answer"
TITLE_LENGTH = 200  # Characters; Slack and mail take 250.


def deliver(url: str, alert: Alert, timeout_seconds: float) -> str:
    """Return why delivery failed, in words that cannot hold the URL; nothing if it succeeded."""
    with _listening() as heard:
        try:
            import apprise

            channel = apprise.Apprise.instantiate(url)
            if channel is None:
                return NO_CHANNEL
            everyone = apprise.Apprise()
            everyone.add(channel)
            done = everyone.notify(
                title=one_line(alert.title, TITLE_LENGTH),
                notify_type=apprise.NotifyType(alert.level.value),
                timeout=timeout_seconds,
                interpret_escapes=False,
                **_content(channel, alert),
            )
        except Exception as wrong:  # Any plugin may raise anything, with the URL in the message.
            return type(wrong).__name__
    return "" if done else heard.status() or NO_ANSWER


def scheme(url: str) -> str:
    """Return the part of an address that is no secret."""
    found = re.match(r"([a-z0-9]{1,20})://", url, re.IGNORECASE)
    return found[1].lower() if found else "unknown"


def _content(channel: Any, alert: Alert) -> dict[str, Any]:
    """Return the body in the form that the channel shows: Markdown for chat and mail, else text."""
    import apprise

    shown = channel.notify_format
    formats = shown if isinstance(shown, tuple | list | set | frozenset) else (shown,)
    plain = apprise.NotifyFormat.TEXT
    if next(iter(formats), plain) == plain:
        return {"body": text(alert), "body_format": plain}
    return {"body": markdown(alert), "body_format": apprise.NotifyFormat.MARKDOWN}


@contextmanager
def _listening() -> Iterator["_Warnings"]:
    """Hear what is said while delivering, and let nobody else: it names hosts and paths."""
    heard = _Warnings()
    spoke_on = {logger: logger.propagate for logger in map(logging.getLogger, TALKATIVE)}
    for logger in spoke_on:
        logger.addHandler(heard)
        logger.propagate = False
    try:
        yield heard
    finally:
        for logger, before in spoke_on.items():
            logger.removeHandler(heard)
            logger.propagate = before


class _Warnings(logging.Handler):
    """Hears what apprise says about a failure and keeps the HTTP status only."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._said: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self._said.append(record.getMessage())

    def status(self) -> str:
        """Return `HTTP 500`, say, or nothing where no answer came."""
        found = re.search(r"error=(\d{3})\b", " ".join(self._said))
        return f"HTTP {found[1]}" if found else ""
