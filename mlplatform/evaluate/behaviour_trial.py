"""What every behavioural case is tried with: a model, a sample of the test rows, and its answers to them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from mlplatform.errors import PlatformError
from mlplatform.evaluate.metrics import THRESHOLD
from mlplatform.features.predicts import Predicts

Predict = Callable[[pa.Table], NDArray[np.floating[Any]]]
SEED = 0  # Of the sample: the same rows give the same answer.
MOVED = 0.1  # Of the label's deviation: what counts as another answer where answers are numbers.
# Between answers to one row in two batches, in probabilities or deviations: a hundred times what
# platforms differ by, a thousandth of what anybody would act on.
ROUNDING = 1e-5


class UntriedError(PlatformError):
    """A case that cannot be tried, and why."""


@dataclass(frozen=True)
class Trial:
    """One model and the rows that every case is tried on.

    Attributes:
        predict: Answers of raw rows, as `Predictor.predict_table`.
        predicts: What an answer is.
        all_rows: The test rows.
        sample: int64[n], ascending: places in them of the rows tried.
        deviation: Of the label, in its unit; 1 where answers are probabilities.
        positive: The class a probability is of, where there are two.
        varied: Columns that may go missing or get noise where a case names none.
        shown: Columns that an example shows of its row.
    """

    predict: Predict
    predicts: Predicts
    all_rows: pa.Table
    sample: NDArray[np.int64]
    deviation: float = 1.0
    positive: str = ""
    varied: tuple[str, ...] = ()
    shown: tuple[str, ...] = ()

    @cached_property
    def rows(self) -> pa.Table:
        """The rows tried."""
        return self.all_rows.take(pa.array(self.sample)).combine_chunks()

    @cached_property
    def before(self) -> NDArray[np.float64]:
        """f64[n, width]: the model's answers to the rows as they are."""
        return self.ask(self.rows)

    def ask(self, rows: pa.Table) -> NDArray[np.float64]:
        """Return f64[rows, width]: the model's answers, all of them usable.

        Raises:
            UntriedError: If one is NaN, no probability, or missing; or if there are no rows.
        """
        if not rows.num_rows:
            raise UntriedError("there are 0 test rows to try it on")
        answers = np.asarray(self.predict(rows))
        if answers.shape != (rows.num_rows, *self.predicts.width):
            raise UntriedError(
                f"the model gave answers of shape {answers.shape} to {rows.num_rows} rows"
            )
        unusable = int((~self.predicts.usable(answers)).sum())
        if unusable:
            what = "numbers" if self.predicts.task == "regression" else "probabilities"
            raise UntriedError(f"{unusable:,} of {rows.num_rows:,} answers are NaN or no {what}")
        return answers.reshape(rows.num_rows, -1).astype(np.float64)

    def classes(self, answers: NDArray[np.float64]) -> NDArray[np.int64]:
        """Return int64[rows]: the class of each answer; only where answers are probabilities."""
        if self.predicts.task == "multiclass":
            return np.asarray(answers.argmax(axis=1))
        return (answers[:, 0] >= THRESHOLD).astype(np.int64)

    def differ(
        self, answers: Sequence[NDArray[np.float64]], tolerance: float | None
    ) -> NDArray[np.bool_]:
        """Return bool[rows]: whether any two of several answers to a row are not the same.

        Without a tolerance, the class has to be; or the number, within `MOVED` deviations.
        """
        if tolerance is None and self.predicts.task != "regression":
            found = np.stack([self.classes(each) for each in answers])
            return np.asarray((found != found[0]).any(axis=0))
        most = MOVED * self.deviation if tolerance is None else tolerance
        return np.asarray(apart(answers) > most + ROUNDING * self.deviation)

    def told(self, answer: NDArray[np.float64]) -> str:
        """Return one answer f64[width] in words."""
        if self.predicts.task == "multiclass":
            best = int(answer.argmax())
            return f"{self.predicts.classes[best]!r} ({answer[best]:.3f})"
        if self.predicts.task == "binary":
            return f"{answer[0]:.3f}"
        return " to ".join(f"{number:.6g}" for number in answer)

    @property
    def answer(self) -> str:
        """What an answer is, in words."""
        if self.predicts.task == "binary":
            return f"probability of {self.positive!r}"
        return "class" if self.predicts.task == "multiclass" else self.predicts.name


def sampled(rows: int, most: int) -> NDArray[np.int64]:
    """Return at most `most` of the places 0 to `rows` - 1, drawn by a constant seed, ascending."""
    if rows <= most:
        return np.arange(rows)
    drawn = np.random.default_rng(SEED).choice(rows, most, replace=False)
    return np.sort(drawn).astype(np.int64)


def apart(answers: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
    """Return f64[rows]: by how much the answers to a row differ at most, in any of their numbers."""
    stacked = np.stack(answers)
    return np.asarray((stacked.max(axis=0) - stacked.min(axis=0)).max(axis=1))
