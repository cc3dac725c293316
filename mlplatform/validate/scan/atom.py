"""Everything counted of the rows of one atom."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from mlplatform.validate.scan.categories import Categories, CategoryCounter
from mlplatform.validate.scan.codes import CODES, Frame
from mlplatform.validate.scan.distinct import Work
from mlplatform.validate.scan.moments import Moments
from mlplatform.validate.scan.numbers import CLASSES, Mask, NumberCounter, Numbers, Values
from mlplatform.validate.scan.plan import Plan, is_number
from mlplatform.validate.scan.vectors import Vectors, vectors_of

UNLABELLED = CLASSES - 1


@dataclass(frozen=True)
class Block:
    """Some rows: their numbers with what is null of them, and the class of each row."""

    rows: int
    numbers: Mapping[str, tuple[Values, Mask | None]]
    classes: "NDArray[np.intp] | None"


@dataclass(frozen=True)
class Atom:
    """What was counted of one atom's rows.

    `moments` are of distances from the anchors, in order of the columns of numbers, then the label
    as 0 or 1. `missing` has int64[CLASSES] per column of numbers.
    """

    rows: int
    numbers: Mapping[str, Numbers]
    categories: Mapping[str, Categories]
    vectors: Mapping[str, Vectors]
    label: Categories
    moments: Moments

    def merge(self, other: "Atom") -> "Atom":
        """Return the counts of both atoms' rows."""
        return Atom(
            self.rows + other.rows,
            {name: mine.merge(other.numbers[name]) for name, mine in self.numbers.items()},
            {name: mine.merge(other.categories[name]) for name, mine in self.categories.items()},
            {name: mine.merge(other.vectors[name]) for name, mine in self.vectors.items()},
            self.label.merge(other.label),
            self.moments.merge(other.moments),
        )


class AtomCounter:
    """Counts the rows of one atom."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._rows = 0
        self._numbers = {
            name: NumberCounter(plan.limits.get(name), whole=plan.columns[name] != "float64")
            for name in plan.numbers
        }
        self._categories = {name: CategoryCounter(_domain(plan, name)) for name in plan.categories}
        self._vectors = dict.fromkeys(plan.vectors, Vectors())
        self._label = CategoryCounter(None)
        width = len(plan.numbers) + (plan.label is not None)
        self._moments = Moments.none((width, width) if plan.correlations else (width, 1, 1))
        self._work = Work(0)
        self._distances = np.empty((width, 0))

    def add_others(self, rows: pa.RecordBatch, classes: "NDArray[np.intp] | None") -> None:
        """Count the strings, bools and vectors of some rows."""
        self._rows += rows.num_rows
        for name, counter in self._categories.items():
            counter.add(rows.column(name), classes)
        for name, seen in self._vectors.items():
            self._vectors[name] = seen.merge(vectors_of(rows.column(name), classes))
        label = self._plan.label
        if label is not None and is_number(self._plan.columns[label]):
            self._label.add(rows.column(label).cast(pa.string()), None)

    def add_numbers(self, block: Block, frames: Mapping[str, Frame]) -> None:
        """Count a block."""
        if block.rows > self._work.rows:
            self._work = Work(block.rows)
            self._distances = np.empty((len(self._distances), block.rows))
        x = self._distances[:, : block.rows]
        present: list[Mask | None] = []
        shifted = None if block.classes is None else block.classes * CODES
        with np.errstate(all="ignore"):
            for row, (name, (values, null)) in enumerate(block.numbers.items()):
                # Without a frame there was no finite value yet: nothing lands in a bin.
                frame = frames.get(name, Frame(0.0))
                present.append(
                    self._numbers[name].add(values, null, frame, shifted, x[row], self._work)
                )
        if block.classes is not None:
            x[-1] = block.classes == 1
            labelled = block.classes != UNLABELLED
            present.append(None if labelled.all() else labelled)
        self._add_moments(x, present)

    def result(self) -> Atom:
        """Return what was counted."""
        numbers = {name: counter.result() for name, counter in self._numbers.items()}
        categories = {name: counter.result() for name, counter in self._categories.items()}
        label = self._plan.label
        own = categories.get(label) if label is not None else None
        classes = own or self._label.result()
        return Atom(self._rows, numbers, categories, dict(self._vectors), classes, self._moments)

    def _add_moments(self, x: NDArray[np.float64], present: list[Mask | None]) -> None:
        if len(x):
            moments = Moments.of(x, present, pairs=self._plan.correlations)
            self._moments = self._moments.merge(moments)


def _domain(plan: Plan, name: str) -> list[str] | None:
    domain = plan.domains.get(name)
    return None if domain is None else list(domain)
