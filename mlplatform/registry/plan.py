"""A stretch of a log as the few requests that say it: what each of its runs was told, together."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from mlplatform.registry.spool import Entry

LINES = 500  # of a log in one stretch, which is remembered as sent when all of it is
RUNS = 16  # in one stretch, each of some requests
POINTS = 5000  # in one stretch


@dataclass
class Plan:
    """What one run was told. Of tags and of the status, the last word counts."""

    opened: Entry | None = None
    params: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    points: list[list[Any]] = field(default_factory=list)  # name, value, time in ms, step
    inputs: list[list[str]] = field(default_factory=list)  # table, reference, context
    files: list[tuple[str, str]] = field(default_factory=list)  # path below the log, folder
    status: tuple[str, int] | None = None  # and since when, in ms

    def take(self, entry: Entry) -> None:
        """Add what one line says."""
        if "open" in entry:
            self.opened = entry
        if "status" in entry:
            self.status = (entry["status"], entry["at"])
        if "file" in entry:
            self.files.append((entry["file"][0], entry["file"][1]))
        self.params |= entry.get("params", {})
        self.tags |= entry.get("tags", {})
        self.points += entry.get("points", [])
        self.inputs += entry.get("inputs", [])


@dataclass
class Stretch:
    """Some lines of a log, run by run in the order in which they first spoke."""

    runs: dict[str, Plan] = field(default_factory=dict)
    end: int = 0  # The byte of the log after it.
    _lines: int = 0

    def take(self, end: int, entry: Entry) -> None:
        """Add one line that ends before byte `end`."""
        self.runs.setdefault(entry["run"], Plan()).take(entry)
        self.end = end
        self._lines += 1

    def ends(self, *, before: bool) -> bool:
        """Tell whether the asset's run has ended after these lines, if before them it had or not."""
        status = self.runs[""].status if "" in self.runs else None
        return before if status is None else status[0] != "RUNNING"

    @property
    def full(self) -> bool:
        """Whether the next line belongs to the next stretch."""
        points = sum(len(plan.points) for plan in self.runs.values())
        return self._lines >= LINES or len(self.runs) >= RUNS or points >= POINTS


def stretches(lines: Iterable[tuple[int, Entry]]) -> Iterator[Stretch]:
    """Yield the log in stretches."""
    stretch = Stretch()
    for end, entry in lines:
        stretch.take(end, entry)
        if stretch.full:
            yield stretch
            stretch = Stretch()
    if stretch.runs:
        yield stretch
