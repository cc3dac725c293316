"""What must be known of a streamed version before its first step: two passes, in constant memory.

The first reads parts, labels and weights alone; the second everything, and keeps some rows.
"""

from dataclasses import dataclass, field

import numpy as np
import pyarrow.compute as pc

from mlplatform.features.labels import LABEL, WEIGHT
from mlplatform.features.table import PART
from mlplatform.ingest.split import TRAIN, VALIDATION
from mlplatform.spec import Pipeline
from mlplatform.train.data import no_difference, require
from mlplatform.train.groups import Groups, every, joined
from mlplatform.train.nets.numeric import SAMPLE
from mlplatform.train.task import Rows, Shape, Task

JUDGED_ROWS = 1 << 20  # Validation rows kept: the standard error of an AUC is then below 0.001.


@dataclass
class Labels:
    """The labels of one part, counted group by group.

    Attributes:
        counts: Rows of each group.
        totals: f64: the weight of each class; of numbers, of them all.
        mean: Of numbers, by weight.
        squares: Weighted sum of their squared distances from it.
        seen: The classes that weigh something; of such numbers the least and the greatest.
    """

    counts: list[int] = field(default_factory=list)
    totals: np.ndarray = field(default_factory=lambda: np.zeros(0))
    mean: float = 0.0
    squares: float = 0.0
    seen: np.ndarray = field(default_factory=lambda: np.zeros(0))

    @property
    def rows(self) -> int:
        """How many rows the part has."""
        return sum(self.counts)

    @property
    def weight(self) -> float:
        """What they weigh in all."""
        return float(self.totals.sum())

    def add(self, labels: np.ndarray, weights: np.ndarray, task: Task) -> None:
        """Count the labels of one more group."""
        self.counts.append(len(labels))
        if not len(labels):
            return
        weights, counted = weights.astype(np.float64), labels[weights > 0]
        if task.kind == "regression":
            self._add_numbers(labels.astype(np.float64), weights)
            self.seen = np.unique([*self.seen, *counted])
            self.seen = np.unique(self.seen[[0, -1]]) if len(self.seen) else self.seen
        else:
            found = np.bincount(labels.astype(np.int64), weights, max(task.outputs, 2))
            self.totals = found + (self.totals if len(self.totals) else 0)
            self.seen = np.unique([*self.seen, *np.unique(counted)])

    def _add_numbers(self, labels: np.ndarray, weights: np.ndarray) -> None:
        """Merge moments: Chan, Golub & LeVeque (1979)."""
        added, had = weights.sum(), self.weight
        self.totals = np.array([had + added])
        if not added:
            return
        mean = float((weights * labels).sum() / added)
        distance = mean - self.mean
        self.squares += float((weights * (labels - mean) ** 2).sum())
        self.squares += distance**2 * had * added / (had + added)
        self.mean += distance * added / (had + added)


@dataclass(frozen=True, kw_only=True, eq=False)
class Survey:
    """What the two passes found.

    Attributes:
        labels: Of the training rows.
        sample: Every k-th training row, at least `SAMPLE` of them where there are as many.
        validation: The validation rows, or every k-th of them.
        notes: What was done otherwise than asked, a sentence each.
    """

    labels: Labels
    sample: Rows
    validation: Rows
    notes: tuple[str, ...]


def survey(pipeline: Pipeline, groups: Groups, shape: Shape, judged: int = JUDGED_ROWS) -> Survey:
    """Return what is to be known of a version.

    Args:
        pipeline: Says what the label is.
        groups: The version.
        shape: Of its rows.
        judged: Validation rows that are kept at most.

    Raises:
        TrainingError: As `data.prepare`.
    """
    of_part = _labels(pipeline, groups, shape.task)
    train, validation = of_part[TRAIN], of_part[VALIDATION]
    step, held = max(1, train.rows // SAMPLE), -(-validation.rows // judged)
    sample: list[Rows] = []
    kept: list[Rows] = []
    first: Rows | None = None
    differ = False
    for at in range(len(groups)):
        rows, others = groups.rows(at, TRAIN, VALIDATION)
        sample.append(every(rows, step, sum(train.counts[:at])))
        kept.append(every(others, held, sum(validation.counts[:at])))
        first = rows if first is None and len(rows.labels) else first
        differ = differ or (first is not None and _differ(first, rows))
    if not differ:
        raise no_difference(pipeline, train.rows)
    return Survey(
        labels=train, sample=joined(sample), validation=joined(kept),
        notes=(_thinned(validation.rows, held),) if held > 1 else (),
    )  # fmt: skip


def _labels(pipeline: Pipeline, groups: Groups, task: Task) -> dict[str, Labels]:
    found = {TRAIN: Labels(), VALIDATION: Labels()}
    for at in range(len(groups)):
        table = groups.labels(at)
        for part, labels in found.items():
            mine = table.filter(pc.equal(table.column(PART), part))
            weights = np.ones(mine.num_rows, np.float32)
            if WEIGHT in table.schema.names:
                weights = mine.column(WEIGHT).to_numpy()
            labels.add(mine.column(LABEL).to_numpy(), weights, task)
    for part, labels in found.items():
        require(pipeline, part, labels.rows, labels.seen, weighed=labels.weight > 0)
    return found


def _differ(one: Rows, rows: Rows) -> bool:
    """Whether any feature of `rows` is another than the first row of `one` has."""
    return bool((rows.vectors != one.vectors[0]).any() or (rows.ids != one.ids[0]).any())


def _thinned(rows: int, step: int) -> str:
    return f"validated on every {step}. of {rows:,} validation rows, which stream past"
