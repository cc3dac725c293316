"""Features of instants: parts of the calendar, and where in a cycle they lie."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal
from zoneinfo import available_timezones

from mlplatform.features.declare.feature import Feature, check_name_and_column, require

Part = Literal["hour", "weekday", "day", "month", "day_of_year"]
# Number of values of each part; the first is 0: the hour from midnight, Monday, the 1st, January.
PARTS: Mapping[Part, int] = {"hour": 24, "weekday": 7, "day": 31, "month": 12, "day_of_year": 366}
Cycle = Literal["day", "week", "year"]
CYCLES: tuple[Cycle, ...] = ("day", "week", "year")


@dataclass(frozen=True)
class Datetime(Feature):
    """Parts of an instant as categories, and cycles as two numbers each, so that midnight is one point.

    Attributes:
        name: The feature's name, and its column unless `column` says another.
        column: The raw column, of type timestamp.
        parts: Of "hour", "weekday", "day", "month", "day_of_year"; a category `<name>__<part>` each.
        cycles: Of "day", "week", "year"; sine and cosine of how far the cycle has come, by the minute,
            the quarter of an hour, and the day.
        timezone: Whose clock and calendar, like "America/New_York".
    """

    name: str
    column: str = ""
    parts: tuple[Part, ...] = ()
    cycles: tuple[Cycle, ...] = ()
    timezone: str = "UTC"

    def __post_init__(self) -> None:
        check_name_and_column(self)
        for field, known in (("parts", tuple(PARTS)), ("cycles", CYCLES)):
            given = tuple(getattr(self, field))
            object.__setattr__(self, field, given)
            wrong = [name for name in given if name not in known]
            require(self.name, not wrong, f"{field}={wrong}; known: {', '.join(known)}")
            require(self.name, len(set(given)) == len(given), f"{field} repeats one")
        require(self.name, bool(self.parts or self.cycles), "give parts= or cycles=")
        known_zone = self.timezone in available_timezones()
        require(
            self.name, known_zone, f"timezone={self.timezone!r} is no time zone, like Europe/Berlin"
        )

    @property
    def reads(self) -> Mapping[str, Sequence[str]]:
        """The one column."""
        return {self.column: ("timestamp",)}
