"""Point-in-time aggregates: what the events known at a row's time add up to. Only values."""

import hashlib
import json
import operator
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from mlplatform.errors import SpecError

Function = Literal["count", "sum", "mean", "min", "max", "last"]
FUNCTIONS: tuple[Function, ...] = ("count", "sum", "mean", "min", "max", "last")
UNITS = {"s": 1, "min": 60, "h": 3600, "d": 86_400}  # In seconds.
COMPARISONS: Mapping[str, Callable[[Any, Any], Any]] = {
    "==": operator.eq,
    "!=": operator.ne,
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
}
Condition = tuple[str, str, str | int | float | bool]  # ("dep_delay", ">", 15)
_WINDOW = re.compile(r"([1-9][0-9]*)\s*(s|min|h|d)")
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9]*(_[A-Za-z0-9]+)*")


@dataclass(frozen=True)
class Aggregate:
    """A number over the events of a row's entity: those within `window` that were known before the row's time.

    It stands where a feature names a column, and is null where there is nothing to tell: for `mean`,
    `min`, `max` and `last` without events, and for all where the row lacks its entity. Counts and sums
    over no event are 0.

    Attributes:
        name: Names the value like a column: unique among columns and aggregates.
        events: The event table, as `events` in the spec calls it.
        by: The entity: columns that events and rows both have, or event column to row column; none,
            (), counts every event for every row.
        function: What to compute; "last" is the value of the newest event by event time.
        column: The event column it is computed over, int64 or float64; none for "count".
        where: Conditions on event columns, all of which must hold; a missing value meets none.
        window: How far back events count, from their event time: "30min", "24h", "7d"; None: for ever.
        description: What it means, for the catalogue.
    """

    name: str
    events: str
    by: Sequence[str] | Mapping[str, str]
    function: Function = "count"
    column: str | None = None
    where: Sequence[Condition] = ()
    window: str | None = None
    description: str = ""

    def __post_init__(self) -> None:
        if isinstance(self.by, str) or isinstance(self.where, str):
            raise SpecError(f"aggregate {self.name!r}: by= and where= are lists")
        pairs = self.by.items() if isinstance(self.by, Mapping) else ((n, n) for n in self.by)
        # Kept as a tuple of pairs, so that an aggregate is hashable and equal by value.
        object.__setattr__(self, "by", tuple(pairs))
        listed = tuple(tuple(c) if isinstance(c, list | tuple) else (c,) for c in self.where)
        object.__setattr__(self, "where", listed)
        problem = self._problem()
        if problem:
            raise SpecError(f"aggregate {self.name!r}: {problem}")

    @property
    def entity(self) -> tuple[tuple[str, str], ...]:
        """Event column and row column of each part of the entity."""
        return self.by  # type: ignore[return-value] # __post_init__ made it so.

    @property
    def row_columns(self) -> tuple[str, ...]:
        """The entity's columns in a row."""
        return tuple(row for _, row in self.entity)

    @property
    def key(self) -> str:
        """Name and definition: what its values are kept under, so that two definitions never mix."""
        definition = [self.events, self.by, self.function, self.column, self.where, self.window]
        digest = hashlib.sha256(json.dumps(definition).encode()).hexdigest()
        return f"{self.name}@{digest[:12]}"

    @property
    def window_microseconds(self) -> int | None:
        """How far back events count; None: for ever."""
        if self.window is None:
            return None
        found = _WINDOW.fullmatch(self.window)
        assert found is not None  # noqa: S101 - __post_init__ saw to it.
        return int(found[1]) * UNITS[found[2]] * 1_000_000

    def _problem(self) -> str | None:
        if not isinstance(self.name, str) or not _NAME.fullmatch(self.name):
            return "its name may have letters, digits and single underscores"
        if self.function not in FUNCTIONS:
            return f"function={self.function!r}; known: {', '.join(FUNCTIONS)}"
        if (self.column is None) != (self.function == "count"):
            counts = self.function == "count"
            return "a count reads no column=" if counts else f"{self.function} needs column="
        if self.window is not None and not _WINDOW.fullmatch(str(self.window)):
            return f"window={self.window!r}; write it like 30min, 24h or 7d"
        for condition in self.where:
            if len(condition) != 3 or condition[1] not in COMPARISONS:
                known = ", ".join(COMPARISONS)
                return (
                    f"where={condition!r}; write (column, comparison, value), with one of {known}"
                )
        return None
