"""Delivers alerts by apprise: Slack, e-mail, PagerDuty, webhooks and a hundred others, by URL."""

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from mlplatform.alerts.alert import Alert, Level, Receipt
from mlplatform.alerts.deliver import deliver, scheme
from mlplatform.alerts.kept import MAX_ATTEMPTS, WAITS, Kept, State, kept
from mlplatform.alerts.log import AlertLogError, OpenLog, locked, read
from mlplatform.alerts.where import ADDRESSES, Where

TIMEOUT_SECONDS = 10  # Per delivery: an alert may not hold up the run it is about.

__all__ = ["MAX_ATTEMPTS", "WAITS", "Alert", "AlertLogError", "Alerts", "Level", "Receipt"]


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """One delivery, and why it failed; empty: it did not."""

    alert: Alert
    channel: str
    failure: str


def now() -> datetime:
    """Return the time."""
    return datetime.now(UTC)


class Alerts:
    """Channels, and the log that remembers what they were told.

    The log is locked while it is written, and not while a channel is told: one that hangs holds up
    nobody else. A delivery is claimed in the log before it begins, so that two processes do not
    both make it.

    Args:
        urls: Apprise URLs. They hold secrets, so a channel goes by its place and scheme ("1:json").
        log: JSON lines: one `alert` a failure; `trying` and then `delivered` or `undelivered` for
            each attempt; `mended` when what an alert is about has passed.
        where: The Dagster UI, for links.
        clock: What time it is.
        timeout_seconds: Of one delivery.
    """

    def __init__(
        self,
        urls: Sequence[str],
        log: Path,
        where: Where | None = None,
        clock: Callable[[], datetime] = now,
        timeout_seconds: float = TIMEOUT_SECONDS,
    ) -> None:
        self._channels = {f"{i}:{scheme(url)}": url for i, url in enumerate(urls, 1)}
        self._log, self._now, self._timeout = log, clock, timeout_seconds
        self.where = where or Where()

    @classmethod
    def from_environment(cls, environ: Mapping[str, str], log: Path) -> "Alerts":
        """Return the sender that `MLPLATFORM_ALERT_URLS` and `MLPLATFORM_UI_URL` describe."""
        urls = environ.get(ADDRESSES, "").split()
        return cls(urls, log, Where.from_environment(environ))

    def __repr__(self) -> str:
        return f"Alerts({', '.join(self._channels) or 'log only'}, log={str(self._log)!r})"

    @property
    def channels(self) -> tuple[str, ...]:
        """Channels by place and scheme."""
        return tuple(self._channels)

    def send(self, alert: Alert) -> Receipt:
        """Keep `alert`, then deliver it to every channel that does not have it and is due.

        Sent again, a key is the same failure until it is mended: no channel is told twice, and one
        that failed is tried again after growing waits, `MAX_ATTEMPTS` times over 23 hours in all.
        A failed delivery is a line in the log, never an exception.

        Raises:
            AlertLogError: If the log cannot be written; nothing was sent.
        """
        new = self.keep(alert)
        self._deliver(alert)
        at, ours = self._now(), [one for one in self.kept() if one.alert.key == alert.key][-1]
        by_state = {name: ours.state(name, at) for name in self._channels}
        missing = ours.missing(at)
        return Receipt(
            new=new,
            delivered=tuple(n for n, s in by_state.items() if s is State.DELIVERED),
            undelivered={
                n: missing.get(n, "") for n, s in by_state.items() if s is State.UNDELIVERED
            },
            under_way=tuple(n for n, s in by_state.items() if s is State.UNDER_WAY),
        )

    def keep(self, alert: Alert, happened: datetime | None = None) -> bool:
        """Write `alert` to the log unless it is there and not mended; return whether it is new.

        What happened before an alert with its key was raised is not new: it was seen already.

        Raises:
            AlertLogError: If the log cannot be written.
        """
        at = self._now()
        when = happened or at
        with locked(self._log) as log:
            same = [one for one in kept(log.lines()) if one.alert.key == alert.key]
            if same and (not same[-1].mended or same[-1].happened >= when):
                return False
            stamp = when.isoformat(timespec="microseconds")
            log.append(at, kind="alert", **alert.line(), happened=stamp)
        return True

    def mend(self, about: Collection[str], happened: datetime | None = None) -> None:
        """Note that these pass again: what fails there from now on is a new failure.

        Raises:
            AlertLogError: If there is something to note and the log cannot be written.
        """
        at = self._now()
        when = happened or at

        def mended(lines: list[dict[str, object]]) -> set[str]:
            return {
                one.alert.about
                for one in kept(lines)
                if one.alert.about in about and not one.mended and one.happened <= when
            }

        if not mended(read(self._log)):
            return
        with locked(self._log) as log:
            for name in sorted(mended(log.lines()) - {""}):
                log.append(at, kind="mended", about=name, happened=when.isoformat())

    def deliver(self, *, force: bool = False, seconds: float = float("inf")) -> list[Attempt]:
        """Deliver every alert that is due, oldest first, and return what was tried.

        A channel that fails is left alone for the rest of this call, so a dead one costs one
        timeout. None is begun after `seconds`.

        Args:
            force: Also what is not due yet, or was given up.
            seconds: How long this may take, beside the last delivery.
        """
        return self._deliver(None, force=force, seconds=seconds)

    def dismiss(self, key: str) -> int:
        """Leave undelivered alerts with this key, or beginning of one, as they are; return how many.

        Raises:
            AlertLogError: If the log cannot be written.
        """
        with locked(self._log) as log:
            found = {
                one.alert.key
                for one in kept(log.lines())
                if one.alert.key.startswith(key) and one.missing(self._now())
            }
            for name in sorted(found):
                log.append(self._now(), kind="dismissed", key=name)
        return len(found)

    def kept(self) -> list[Kept]:
        """Return every alert, oldest first.

        Raises:
            AlertLogError: If the log cannot be read.
        """
        return kept(read(self._log))

    def _deliver(
        self, sent: Alert | None, *, force: bool = False, seconds: float = float("inf")
    ) -> list[Attempt]:
        made: list[Attempt] = []
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            claim = self._claim(sent, made, force=force)
            if claim is None:
                break
            one, channel, attempt = claim
            failure = deliver(self._channels[channel], sent or one.as_of_now, self._timeout)
            said = (
                {"kind": "delivered"}
                if not failure
                else {"kind": "undelivered", "because": failure}
            )
            with locked(self._log) as log:
                about = {"key": one.alert.key, "channel": channel, "attempt": attempt}
                log.append(self._now(), **said, **about)
            made.append(Attempt(alert=one.as_of_now, channel=channel, failure=failure))
        return made

    def _claim(
        self, sent: Alert | None, made: Sequence[Attempt], *, force: bool
    ) -> tuple[Kept, str, int] | None:
        """Return the oldest delivery that is due, noted as begun, with the number of the attempt."""
        dead = {attempt.channel for attempt in made if attempt.failure}
        with locked(self._log) as log:
            newest = {one.alert.key: one for one in kept(log.lines())}
            asked = [newest[sent.key]] if sent else newest.values()
            for one in asked:
                for channel in [name for name in self._channels if name not in dead]:
                    if one.is_due(channel, self._now(), force=force, old=sent is not None):
                        return self._begun(log, one, channel)
        return None

    def _begun(self, log: OpenLog, one: Kept, channel: str) -> tuple[Kept, str, int]:
        seen = one.tried.get(channel)
        attempt = 1 + (seen.attempts if seen else 0)
        log.append(self._now(), kind="trying", key=one.alert.key, channel=channel, attempt=attempt)
        return one, channel, attempt
