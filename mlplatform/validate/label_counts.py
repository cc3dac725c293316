"""How a label is shared out among the parts of a split: rows by class, or whether a number varies."""

from collections import Counter

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mlplatform.ingest.split import PARTS
from mlplatform.spec.label import Label

POSITIVE, OTHER = "positive", "other"
LEAST, MORE = "least", "more"  # Of a number: rows of a part's smallest label, and of larger ones.


class LabelCounts:
    """Rows by part and class, of those with a label, counted batch by batch.

    Attributes:
        classes: Part: class: rows. Of two classes `positive` and `other`; of several each declared
            one, and `other`; of a number `least`, rows of the part's smallest label, and `more`.
    """

    def __init__(self, label: Label) -> None:
        self._label = label
        named = {"binary": [POSITIVE, OTHER], "regression": [LEAST, MORE]}
        names = named.get(label.task, list(label.classes))
        self.classes = {part: Counter(dict.fromkeys(names, 0)) for part in PARTS}
        self._least = dict.fromkeys(PARTS, float("inf"))
        self._sums = dict.fromkeys(PARTS, 0.0)

    def add(self, label: pa.Array, part: pa.Array) -> None:
        """Count rows by their label, of any type, and their part."""
        for name in PARTS:
            mine = label.filter(pc.equal(part, name)).drop_null()
            if not len(mine):
                continue
            if self._label.task == "regression":
                self._add_numbers(name, np.asarray(mine.cast(pa.float64())))
            else:
                self._add_classes(name, mine)

    @property
    def expected(self) -> tuple[str, ...]:
        """The classes that every part needs rows of."""
        return tuple(self._label.classes) or tuple(self.classes[PARTS[0]])

    @property
    def rows(self) -> dict[str, int]:
        """Rows with a label, by part."""
        return {part: count.total() for part, count in self.classes.items()}

    @property
    def balance(self) -> dict[str, float]:
        """Share of the positive class of two, or mean of a number, by part; of no other label."""
        if self._label.task == "multiclass":
            return {}
        number = self._label.task == "regression"
        return {
            part: (self._sums[part] if number else self.classes[part][POSITIVE]) / rows
            for part, rows in self.rows.items()
            if rows
        }

    def _add_classes(self, part: str, label: pa.Array) -> None:
        for one in pc.value_counts(label.cast(pa.string())).to_pylist():
            name = one["values"]
            if self._label.task == "binary":
                name = POSITIVE if name == self._label.positive else OTHER
            elif name not in self._label.classes:
                name = OTHER
            self.classes[part][name] += one["counts"]

    def _add_numbers(self, part: str, label: np.ndarray) -> None:
        count, least = self.classes[part], min(self._least[part], float(label.min()))
        if least < self._least[part]:
            count[MORE], count[LEAST] = count.total(), 0
        equal = int(np.count_nonzero(label == least))
        count[LEAST] += equal
        count[MORE] += len(label) - equal
        self._least[part], self._sums[part] = least, self._sums[part] + float(label.sum())
