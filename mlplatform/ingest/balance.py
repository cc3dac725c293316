"""How large the parts of a split are, and how the label is distributed in each."""

from collections import Counter
from collections.abc import Mapping

import pyarrow as pa
import pyarrow.compute as pc

from mlplatform.ingest.split import PARTS
from mlplatform.spec.model import Label

CLASSES = 100  # Counted each; a column with more is no label of classes, and memory stays flat.
SHOWN_CLASSES, SHOWN_CHARACTERS = 8, 40
MISSING, OTHER = "(missing)", "(other)"


class Balance:
    """Rows by part and class, counted as a split is written."""

    def __init__(self, label: Label) -> None:
        self._positive = label.positive
        self._counts: dict[str, Counter[str]] = {part: Counter() for part in PARTS}
        self._classes: set[str] = set()

    def add(self, part: pa.Array, label: pa.Array) -> None:
        """Count rows, by their part and their label of any type."""
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
        """Share of the label's positive class among a part's rows; `None` where there are none."""
        return {
            part: counts[self._positive] / counts.total() if counts.total() else None
            for part, counts in self._counts.items()
        }

    def markdown(self) -> str:
        """Return a table: each part's rows, its share of all, and the share of each class in it."""
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
