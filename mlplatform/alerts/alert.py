"""What a person is told about a failure, and what came of telling it."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any


class Level(StrEnum):
    """How urgent an alert is; pagers and colours go by it."""

    FAILURE = "failure"
    WARNING = "warning"


@dataclass(frozen=True, kw_only=True)
class Alert:
    """What a person is told. Alerts with equal keys are one alert, until what they are about is mended.

    Attributes:
        title: One line: who, what.
        body: The reason, one sentence.
        key: Of the failure: equal for the same failure seen again.
        evidence: Short lines, "name: value".
        link: Address to look at, or words that say where.
        about: What passes once it is mended, such as table and gate; empty: nothing mends it.
        level: How urgent it is.
    """

    title: str
    body: str
    key: str
    evidence: tuple[str, ...] = ()
    link: str = ""
    about: str = ""
    level: Level = Level.FAILURE

    def line(self) -> dict[str, Any]:
        """Return the alert as fields of a log line."""
        return asdict(self) | {"evidence": list(self.evidence), "level": self.level.value}

    @classmethod
    def of(cls, line: Mapping[str, Any]) -> "Alert":
        """Return the alert in a log line; what it lacks is empty."""
        evidence = line.get("evidence")
        level = line.get("level")
        return cls(
            title=str(line.get("title") or ""),
            body=str(line.get("body") or ""),
            key=str(line.get("key") or ""),
            evidence=tuple(map(str, evidence)) if isinstance(evidence, list) else (),
            link=str(line.get("link") or ""),
            about=str(line.get("about") or ""),
            level=Level(level) if level in set(Level) else Level.FAILURE,
        )


@dataclass(frozen=True, kw_only=True)
class Receipt:
    """What came of sending.

    Attributes:
        new: Whether this failure had not been alerted before.
        delivered: Channels that have it, also from before.
        undelivered: Channels that do not have it, as written in the log, with the reason.
        under_way: Channels that another process is telling right now.
    """

    new: bool
    delivered: tuple[str, ...] = ()
    undelivered: Mapping[str, str]
    under_way: tuple[str, ...] = ()

    @property
    def said(self) -> str:
        """In words, for the page of a check: never an address, only places and schemes."""
        if not (self.delivered or self.undelivered or self.under_way):
            return "kept in the alert log; no channel is set (MLPLATFORM_ALERT_URLS)"
        told = "delivered to {}" if self.new else "known, was delivered to {}"
        parts = [told.format(", ".join(self.delivered))] if self.delivered else []
        parts += [f"NOT delivered to {name}: {why}" for name, why in self.undelivered.items()]
        parts += [f"under way to {name}" for name in self.under_way]
        return "; ".join(parts)
