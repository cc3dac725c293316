"""How large the parts of a split are, and how the label is distributed in each."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mlplatform.ingest.split import PARTS
from mlplatform.spec.label import Label

CLASSES = 100  # Counted each; a column with more is no label of classes, and memory stays flat.
SHOWN_CLASSES, SHOWN_CHARACTERS = 8, 40
MISSING, OTHER, NUMBER = "(missing)", "(other)", "(number)"


@dataclass
class Spread:
    """Rows, mean, sum of squared deviations and extremes of numbers."""

    rows: int = 0
    mean: float = 0.0
    squares: float = 0.0
    least: float = float("inf")
    most: float = float("-inf")

    def add(self, values: np.ndarray) -> None:
        """Count these too, as in Chan, Golub & LeVeque (1983), equation 1.5."""
        if not len(values):
            return
        rows, step = self.rows + len(values), float(values.mean()) - self.mean
        self.squares += float(values.var()) * len(values) + step**2 * self.rows * len(values) / rows
        self.mean += step * len(values) / rows
        self.least, self.most = min(self.least, values.min()), max(self.most, values.max())
        self.rows = rows

    @property
    def deviation(self) -> float:
        """Standard deviation of the rows."""
        return float((self.squares / self.rows) ** 0.5) if self.rows else 0.0


class Balance:
    """Rows by part and class, or how numbers spread in each part, counted as a split is written."""

    def __init__(self, label: Label) -> None:
        self._label = label
        self._counts: dict[str, Counter[str]] = {part: Counter() for part in PARTS}
        self._classes: set[str] = set()
        self.spreads = {part: Spread() for part in PARTS}

    def add(self, part: pa.Array, label: pa.Array) -> None:
        """Count rows, by their part and their label of any type."""
        if self._label.task == "regression":
            self._add_numbers(part, label)
            return
        pairs = pa.table({"part": part, "label": label}).group_by(["part", "label"])
        counted = pairs.aggregate([([], "count_all")])
        names = pc.cast(counted["label"], pa.string()).to_pylist()
        rows = zip(
            counted["part"].to_pylist(), names, counted["count_all"].to_pylist(), strict=True
        )
        for where, name, count in rows:
            self._counts[where][self._class(name)] += count

    @property
    def counts(self) -> Mapping[str, Mapping[str, int]]:
        """Rows of each class, by part; all parts, also empty ones."""
        return self._counts

    @property
    def rows(self) -> dict[str, int]:
        """Rows by part."""
        return {part: counts.total() for part, counts in self._counts.items()}

    @property
    def positive_shares(self) -> dict[str, float | None]:
        """Share of the label's positive class among a part's rows; `None` where there are none.

        Empty for a label that has no positive class.
        """
        if self._label.task != "binary":
            return {}
        return {
            part: counts[self._label.positive] / counts.total() if counts.total() else None
            for part, counts in self._counts.items()
        }

    def markdown(self) -> str:
        """Return a table: each part's rows, its share of all, and the share of each class in it.

        Of numbers: their mean, deviation, least and most in place of shares.
        """
        if self._label.task == "regression":
            return self._numbers()
        classes = [name for name, _ in sum(self._counts.values(), Counter()).most_common()]
        shown = classes[:SHOWN_CLASSES]
        head = ["part", "rows", "of all", *map(_cell, shown)]
        lines = [head, ["---", *["---:"] * (len(head) - 1)]]
        total = sum(self.rows.values())
        for part, counts in self._counts.items():
            rows = counts.total()
            shares = [_percent(counts[name], rows) for name in shown]
            lines.append([part, f"{rows:,}", _percent(rows, total), *shares])
        table = "\n".join(f"| {' | '.join(line)} |" for line in lines)
        left = len(classes) - len(shown)
        return f"{table}\n\n{left} more classes" if left else table

    def _add_numbers(self, part: pa.Array, label: pa.Array) -> None:
        for name, spread in self.spreads.items():
            mine = label.filter(pc.equal(part, name))
            self._counts[name][NUMBER] += len(mine) - mine.null_count
            if mine.null_count:
                self._counts[name][MISSING] += mine.null_count
            values = np.asarray(mine.drop_null().cast(pa.float64()))
            spread.add(values[np.isfinite(values)])

    def _numbers(self) -> str:
        lines = ["| part | rows | of all | mean | deviation | least | most |"]
        lines.append("| --- | ---: | ---: | ---: | ---: | ---: | ---: |")
        total = sum(self.rows.values())
        for part, spread in self.spreads.items():
            seen = (spread.mean, spread.deviation, spread.least, spread.most)
            told = [f"{value:.4g}" if spread.rows else "-" for value in seen]
            rows = self.rows[part]
            lines.append(f"| {' | '.join([part, f'{rows:,}', _percent(rows, total), *told])} |")
        return "\n".join(lines)

    def _class(self, name: str | None) -> str:
        if name is None:
            return MISSING
        if name not in self._classes and len(self._classes) >= CLASSES:
            return OTHER
        self._classes.add(name)
        return name


def _percent(part: int, whole: int) -> str:
    return f"{part / whole:.1%}" if whole else "-"


def _cell(name: str) -> str:
    """Return a class as text of a Markdown table, whatever characters it has."""
    short = name if len(name) <= SHOWN_CHARACTERS else f"{name[:SHOWN_CHARACTERS]}…"
    plain = "".join(c if c.isprintable() else " " for c in short)
    return "".join(f"\\{c}" if c in "\\`*_{}[]()<>#+-.!|~&" else c for c in plain)
