"""What a study's pictures have in common: its trials as plain values, and where a value stands on an axis."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

WIDE = 30.0  # Times the least value: from here on an axis is logarithmic.

Row = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class StudyShown:
    """A study as it is shown.

    Attributes:
        pipeline: Its name.
        metric: What was optimised.
        direction: minimize or maximize.
        rows: Of the trials' table.
        fields: Columns that were searched.
        best_trial: Number of the best.
        best: Its model's settings.
        importances: Shares of the fields, the largest first.
        notes: What was done otherwise than asked, a sentence each.
        stopped_by: The budget that ended it, or nothing.
    """

    pipeline: str
    metric: str
    direction: str
    rows: Sequence[Row]
    fields: Sequence[str]
    best_trial: int
    best: Mapping[str, Any]
    importances: Mapping[str, float] = field(default_factory=dict)
    notes: Sequence[str] = ()
    stopped_by: str = ""

    def value(self, row: Row) -> float | None:
        """Return the metric of a trial."""
        found: float | None = row[f"validation_{self.metric}"]
        return found

    def best_metrics(self) -> dict[str, float]:
        """Return the metrics of the best trial."""
        best = next(row for row in self.rows if row["trial"] == self.best_trial)
        return {n: v for n, v in best.items() if n.startswith("validation_") and v is not None}

    def complete(self) -> list[Row]:
        """Return the trials that were trained to their end."""
        return [row for row in self.rows if row["state"] == "complete"]

    def measured(self) -> list[Row]:
        """Return the trials that have a metric, however far they were trained."""
        return [row for row in self.rows if self.value(row) is not None]

    def best_so_far(self) -> list[tuple[int, float]]:
        """Return trial and metric wherever a complete trial was better than all before."""
        steps: list[tuple[int, float]] = []
        for row in self.complete():
            value = self.value(row)
            if value is not None and (not steps or self._is_better(value, steps[-1][1])):
                steps.append((row["trial"], value))
        return steps

    def _is_better(self, value: float, before: float) -> bool:
        return value > before if self.direction == "maximize" else value < before


@dataclass(frozen=True)
class Axis:
    """Where the values of one column stand, from 0 to 1; the ends are named."""

    values: Sequence[Any]
    low: float = 0.0
    high: float = 1.0
    is_log: bool = False

    @classmethod
    def of(cls, values: Sequence[Any]) -> "Axis":
        """Return the axis of a column."""
        if any(isinstance(value, str) for value in values):
            return cls(sorted({str(value) for value in values}))
        numbers = [float(value) for value in values] or [0.0]
        low, high = min(numbers), max(numbers)
        return cls((), low, high, is_log=low > 0 and high / low > WIDE)

    def place(self, value: Any) -> float:
        """Return where a value stands."""
        if self.values:
            return self.values.index(str(value)) / max(len(self.values) - 1, 1)
        if self.low == self.high:
            return 0.5
        if self.is_log:
            return math.log(value / self.low) / math.log(self.high / self.low)
        return (float(value) - self.low) / (self.high - self.low)

    def ends(self) -> tuple[str, str]:
        """Return what stands at 0 and at 1."""
        if self.values:
            return self.values[0], self.values[-1]
        return f"{self.low:.3g}", f"{self.high:.3g}"


def goodness(study: StudyShown) -> Axis:
    """Return the axis of the metric; trials far off at the worse end stand at it together.

    A trial that almost diverged would else press all the others into one line: beyond three times
    the distance from the best to the median nothing is told apart.
    """
    values = sorted(v for row in study.rows if (v := study.value(row)) is not None)
    if not values:
        return Axis(())
    middle = values[len(values) // 2]
    if study.direction == "maximize":
        return Axis((), max(values[0], values[-1] - 3 * (values[-1] - middle)), values[-1])
    return Axis((), values[0], min(values[-1], values[0] + 3 * (middle - values[0])))
