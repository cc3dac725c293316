"""Delivers alerts by apprise: Slack, e-mail, PagerDuty, webhooks and a hundred others, by URL."""

import logging
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlplatform.alerts.log import OpenLog, locked

MAX_ATTEMPTS = 3  # Per channel and alert; a channel that is still dead then needs a person.
TIMEOUT_SECONDS = 10  # Per delivery: an alert may not hold up the run it is about.
TALKATIVE = ("apprise", "urllib3")  # Loggers that put parts of an address into what they say.
NO_CHANNEL = "this is no URL that apprise knows"


@dataclass(frozen=True, kw_only=True)
class Alert:
    """What a person is told. Alerts with equal keys are one alert."""

    title: str
    body: str
    key: str


@dataclass(frozen=True, kw_only=True)
class Receipt:
    """What came of sending.

    Attributes:
        new: Whether this key had not been alerted before.
        undelivered: Channels that do not have it, as written in the log.
    """

    new: bool
    undelivered: tuple[str, ...]


class Alerts:
    """Channels, and the log that remembers what they were told.

    Args:
        urls: Apprise URLs. They hold secrets, so a channel goes by its place and scheme ("1:json").
        log: JSON lines: one `alert` a key, and `delivered` or `undelivered` for each attempt.
    """

    def __init__(self, urls: Sequence[str], log: Path) -> None:
        self._channels = {f"{i}:{_scheme(url)}": url for i, url in enumerate(urls, 1)}
        self._log = log

    def __repr__(self) -> str:
        return f"Alerts({', '.join(self._channels) or 'log only'}, log={str(self._log)!r})"

    def send(self, alert: Alert) -> Receipt:
        """Log `alert`, then deliver it to every channel that does not have it yet.

        A key already delivered is passed over. A channel that failed is tried again when the same
        key is sent again, 3 times in all; its failures are lines in the log, never exceptions.

        Raises:
            AlertLogError: If the log cannot be written; nothing was sent.
        """
        with locked(self._log) as log:
            before = log.lines(alert.key)
            new = not any(line.get("kind") == "alert" for line in before)
            if new:
                log.append(kind="alert", key=alert.key, title=alert.title, body=alert.body)
            left = [
                name
                for name, url in self._channels.items()
                if not _has(name, before) and not _try(log, name, url, alert, before)
            ]
        return Receipt(new=new, undelivered=tuple(left))


def _has(channel: str, before: Sequence[Mapping[str, Any]]) -> bool:
    return any(li.get("kind") == "delivered" and li.get("channel") == channel for li in before)


def _try(
    log: OpenLog, channel: str, url: str, alert: Alert, before: Sequence[Mapping[str, Any]]
) -> bool:
    """Deliver to one channel unless it was tried often enough; return whether it has the alert."""
    attempt = 1 + sum(line.get("channel") == channel for line in before)
    if attempt > MAX_ATTEMPTS:
        return False
    failure = _deliver(url, alert)
    about = {"key": alert.key, "channel": channel, "attempt": attempt}
    if failure:
        log.append(kind="undelivered", because=failure, **about)
    else:
        log.append(kind="delivered", **about)
    return not failure


def _deliver(url: str, alert: Alert) -> str:
    """Return why delivery failed, in words that cannot hold the URL; nothing if it succeeded."""
    with _listening() as heard:
        try:
            import apprise

            channel = apprise.Apprise()
            if not channel.add(url):
                return NO_CHANNEL
            done = channel.notify(
                body=alert.body,
                title=alert.title,
                notify_type=apprise.NotifyType.FAILURE,
                timeout=TIMEOUT_SECONDS,
            )
        except Exception as wrong:  # Any plugin may raise anything, with the URL in the message.
            return type(wrong).__name__
    return "" if done else heard.status() or "no answer"


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


def _scheme(url: str) -> str:
    found = re.match(r"([a-z0-9]{1,20})://", url, re.IGNORECASE)
    return found[1].lower() if found else "unknown"
