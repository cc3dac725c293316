"""Training rows that stream from the lake, for tables larger than memory.

What lies in memory: the buffer whose rows are given and the next one, each of `shuffle.buffer_rows`
rows or one group; one window of batches on the host, and two on the device; validation rows and a
sample of the training rows.
"""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import final

import numpy as np

from mlplatform.ingest.split import TRAIN
from mlplatform.spec import Pipeline
from mlplatform.train import trainer
from mlplatform.train.feed import Feed
from mlplatform.train.groups import Groups, joined
from mlplatform.train.reproducible import Streams
from mlplatform.train.shuffle import Order, buffer_rows
from mlplatform.train.survey import Labels, survey
from mlplatform.train.task import Rows, Scale, Shape, Task
from mlplatform.train.trainer import Hyper, Plan, Seeds, State, Taken
from mlplatform.train.windows import windows

WINDOW_BYTES = 1 << 25  # Of batches that go to the device at once: a few hundredths of a second.


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class Streamed:
    """What a training reads that keeps only some of its rows in memory.

    Attributes:
        shape: Of each row.
        groups: Where the training rows are.
        labels: Of the training rows, counted.
        sample: Some training rows.
        validation: All held-out rows, or every k-th.
        notes: What was done otherwise than asked, a sentence each.
        factors: f64: what a row's weight is multiplied by, by its class; or one for all.
    """

    shape: Shape
    groups: Groups
    labels: Labels
    sample: Rows
    validation: Rows
    notes: tuple[str, ...]
    factors: np.ndarray

    @property
    def rows(self) -> int:
        """Training rows."""
        return self.labels.rows

    @property
    def scale(self) -> Scale:
        """Mean and standard deviation of a regression's training labels, by weight."""
        if self.shape.task.kind != "regression":
            return Scale(np.float32(0), np.float32(1))
        deviation = np.sqrt(self.labels.squares / self.labels.weight)
        return Scale(np.float32(self.labels.mean), np.float32(deviation or 1))

    def weighted(self, by_class: np.ndarray) -> "Streamed":
        """Return the same rows, their weights times their class's, of mean 1."""
        mean = float((by_class * self.labels.totals).sum()) / self.rows
        return replace(self, factors=by_class / mean)

    def of_groups(self, groups: list[int]) -> Rows:
        """Return the training rows of some groups, weighted."""
        rows = joined([self.groups.rows(at, TRAIN)[0] for at in groups])
        factors = self.factors
        if len(factors) > 1:
            factors = factors[np.asarray(rows.labels).astype(np.int64)]
        return rows._replace(weights=(rows.weights * factors).astype(np.float32))


def streamed(pipeline: Pipeline, groups: Groups) -> Streamed:
    """Return a features version as a training reads it that does not hold it in memory.

    Raises:
        TrainingError: As `data.prepare`.
    """
    encoder, task = groups.encoder, Task.of(pipeline.spec.label)
    shape = Shape(len(encoder.vector_names), encoder.id_sizes, task)
    found = survey(pipeline, groups, shape)
    return Streamed(
        shape=shape, groups=groups, labels=found.labels, sample=found.sample,
        validation=found.validation, notes=found.notes, factors=np.ones(1),
    )  # fmt: skip


def row_bytes(shape: Shape) -> int:
    """Return the bytes of a row with its label and weight."""
    return 4 * (shape.vectors + len(shape.ids) + 2)


def window_steps(shape: Shape, batch_size: int) -> int:
    """Return how many batches go to the device at once, at most."""
    return max(1, WINDOW_BYTES // (batch_size * row_bytes(shape)))


class Stream(Feed):
    """Hands over windows of batches; while one is trained on, the next is read, shuffled and sent.

    Args:
        data: The rows.
        words: Of chance: which groups share a buffer, and the order of its rows.
    """

    def __init__(self, data: Streamed, words: Streams) -> None:
        size = buffer_rows(row_bytes(data.shape))
        counts = tuple(data.labels.counts)
        self.order = Order(counts, size, int(words.order), int(words.buffer))
        self._data = data
        self._coming: tuple[int, Future[Rows]] | None = None
        self._windows: Iterator[Rows] = iter(())
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="stream")

    def advance(
        self,
        number: int,
        state: State,
        seeds: Seeds,
        hyper: Hyper,
        plan: Plan,
        count: int | None = None,
    ) -> tuple[State, Taken]:
        """Take the steps of one window; any may be the first, at the price of its buffer."""
        if self._coming is None or self._coming[0] != number:
            self._windows = windows(
                self._data.of_groups, self._data.shape, self.order, number, plan
            )
            self._coming = number, self._pool.submit(next, self._windows)
        window = self._coming[1].result()
        self._coming = None
        if number + 1 < plan.epochs * plan.segments:
            self._coming = number + 1, self._pool.submit(next, self._windows)
        if count is not None:
            window = Rows(*(array[:count] for array in window))
        found: tuple[State, Taken] = trainer.window(state, window, seeds, hyper, plan=plan)
        return found
