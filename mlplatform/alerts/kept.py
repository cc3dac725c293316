"""What the lines of the alert log say together: which alerts there are, who has them, what is due again."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

from mlplatform.alerts.alert import Alert, Level

# After each attempt: minutes, then hours, and after 23 hours in all a channel needs a person.
WAITS = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 15, 60, 4 * 60, 18 * 60))
MAX_ATTEMPTS = len(WAITS) + 1
UNDER_WAY = timedelta(minutes=1)  # A sender that has written nothing for longer has ended.
FRESH = timedelta(days=1)  # A channel that is set up later is not told what is older.
CRASHED = "its sender ended before there was an answer"
LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


class State(StrEnum):
    """Whether a channel has an alert."""

    DELIVERED = "delivered"
    UNDER_WAY = "under way"
    UNDELIVERED = "undelivered"


@dataclass(frozen=True, kw_only=True)
class Tried:
    """The newest attempt to tell one channel."""

    state: State
    attempts: int
    at: datetime
    because: str = ""


@dataclass(kw_only=True)
class Kept:
    """One alert, from when it was raised until what it is about is mended.

    Attributes:
        alert: What a person is told.
        at: When it was kept.
        happened: When what it is about happened.
        tried: The newest attempt of each channel that was tried.
        mended: Whether what it is about has passed since.
        dismissed: Whether a person said that no channel needs it any more.
    """

    alert: Alert
    at: datetime
    happened: datetime
    tried: dict[str, Tried] = field(default_factory=dict)
    mended: bool = False
    dismissed: bool = False

    @property
    def as_of_now(self) -> Alert:
        """What a person is told who hears of it only now: of what is mended, that it is."""
        if not self.mended:
            return self.alert
        return replace(self.alert, title=f"MENDED SINCE: {self.alert.title}", level=Level.WARNING)

    def state(self, channel: str, now: datetime) -> State:
        """Return whether a channel has it; one never tried has not."""
        seen = self.tried.get(channel)
        if seen is None:
            return State.UNDELIVERED
        lost = seen.state is State.UNDER_WAY and now - seen.at >= UNDER_WAY
        return State.UNDELIVERED if lost else seen.state

    def missing(self, now: datetime) -> dict[str, str]:
        """Return the channels that were tried and do not have it, with the reason."""
        if self.dismissed:
            return {}
        return {
            name: seen.because or CRASHED
            for name, seen in self.tried.items()
            if self.state(name, now) is State.UNDELIVERED
        }

    def due(self, channel: str) -> datetime | None:
        """Return when a channel may be tried next; None: never by itself."""
        seen = self.tried.get(channel)
        if self.dismissed or (seen and seen.state is State.DELIVERED):
            return None
        if seen is None:
            return self.at
        return seen.at + WAITS[seen.attempts - 1] if seen.attempts < MAX_ATTEMPTS else None

    def is_due(
        self, channel: str, now: datetime, *, force: bool = False, old: bool = False
    ) -> bool:
        """Return whether a channel is to be tried now.

        Args:
            channel: Which.
            now: The time.
            force: Also before its time, or after the last.
            old: Also one never tried, about what happened longer ago than a day.
        """
        if self.dismissed or self.state(channel, now) is not State.UNDELIVERED:
            return False
        if channel not in self.tried:
            return old or now - self.at < FRESH
        due = self.due(channel)
        return force or (due is not None and due <= now)


def kept(lines: Iterable[Mapping[str, Any]]) -> list[Kept]:
    """Return the alerts in the lines of a log, oldest first; of a key that came back, each time."""
    found: list[Kept] = []
    newest: dict[str, Kept] = {}
    for line in lines:
        kind, key, at = line.get("kind"), str(line.get("key")), _time(line.get("at"))
        if kind == "mended":
            _mend(found, str(line.get("about")), _time(line.get("happened")))
        elif kind == "alert":
            if key in newest and newest[key].mended:
                newest[key].dismissed = True  # The next of its key is told instead.
            if key not in newest or newest[key].mended:
                happened = _time(line.get("happened"), at)
                newest[key] = Kept(alert=Alert.of(line), at=at, happened=happened)
                found.append(newest[key])
        elif key in newest:
            _attempted(newest[key], str(kind), line, at)
    return found


def _mend(found: Iterable[Kept], about: str, happened: datetime) -> None:
    for one in found:
        if about and one.alert.about == about and one.happened <= happened:
            one.mended = True


def _attempted(one: Kept, kind: str, line: Mapping[str, Any], at: datetime) -> None:
    if kind == "dismissed":
        one.dismissed = True
    states = {"trying": State.UNDER_WAY} | {state.value: state for state in State}
    if kind not in states or not isinstance(line.get("channel"), str):
        return
    before = one.tried.get(line["channel"])
    if before and before.state is State.DELIVERED:
        return
    counted = line.get("attempt")
    one.tried[line["channel"]] = Tried(
        state=states[kind],
        attempts=max(counted, 1) if isinstance(counted, int) else 1,
        at=at,
        because=str(line.get("because") or ""),
    )


def _time(text: object, otherwise: datetime = LONG_AGO) -> datetime:
    try:
        time = datetime.fromisoformat(str(text))
    except ValueError:
        return otherwise
    return time if time.tzinfo else time.replace(tzinfo=UTC)
