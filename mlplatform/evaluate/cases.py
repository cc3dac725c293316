"""Behavioural cases in Python, for what no declaration says: a pipeline's own `behaviour.py`.

Example:
    from mlplatform.evaluate.cases import BehaviourModel, Result, case

    @case("a later birthday never costs anything")
    def birthdays(model: BehaviourModel) -> Result:
        before, after = model.scores(), model.scores(model.adding(age=1))
        return Result.each(after >= before, "the probability falls with age")
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import ArrayLike, NDArray

from mlplatform.errors import SpecError
from mlplatform.evaluate import behaviour_changes as changes
from mlplatform.evaluate.behaviour_trial import Trial, UntriedError

MARK = "__behaviour_case__"  # Where a decorated function keeps what it declares.


@dataclass(frozen=True)
class Result:
    """What a case came to.

    Attributes:
        tried: Rows, groups or whatever it tries, at least 1.
        failed: Of them.
        worst: The worst in words.
        examples: What failed, the worst first, as JSON can hold it.
    """

    tried: int
    failed: int
    worst: str = ""
    examples: Sequence[Mapping[str, Any]] = field(default=())

    @staticmethod
    def each(held: ArrayLike, worst: str = "") -> "Result":
        """Return the result of many tries: bool[n], whether each held."""
        held = np.atleast_1d(np.asarray(held))
        if held.dtype != np.bool_:
            raise TypeError(f"Result.each wants truth values, got {held.dtype}")
        failed = int((~held).sum())
        return Result(held.size, failed, worst if failed else "")

    @staticmethod
    def of(held: object, worst: str = "") -> "Result":
        """Return the result of a single try, such as that of a mean."""
        return Result.each([bool(held)], worst)


@dataclass(frozen=True)
class BehaviourModel:
    """The model under test, and the test rows: at most `model_gates.behaviour.max_rows` of them.

    Attributes:
        labels: Of the rows, as `features.labels.truth`: 0 and 1, places in `label.classes`, or
            numbers.
    """

    labels: NDArray[Any]
    _trial: Trial = field(repr=False)

    @property
    def rows(self) -> pa.Table:
        """The test rows, with all their columns and those of the aggregates that the model reads."""
        return self._trial.rows

    def answers(self, rows: pa.Table | None = None) -> NDArray[np.float64]:
        """Return f64[rows, width]: all that the model says of each row; without rows, of the test rows.

        Raises:
            UntriedError: If an answer is NaN: the case fails with that reason.
        """
        return self._trial.before.copy() if rows is None else self._trial.ask(rows)

    def scores(self, rows: pa.Table | None = None, of: str = "") -> NDArray[np.float64]:
        """Return f64[rows]: the probability of the positive class, or of class `of`; or the number.

        Of quantiles it is the middle one.
        """
        answers, predicts = self.answers(rows), self._trial.predicts
        if predicts.task != "multiclass":
            return answers[:, answers.shape[1] // 2]
        if of not in predicts.classes:
            raise UntriedError(f"scores needs `of`, one of {', '.join(predicts.classes)}")
        return answers[:, predicts.classes.index(of)]

    def classes(self, rows: pa.Table | None = None) -> NDArray[np.int64]:
        """Return int64[rows]: the class that the model decides for, coded as `labels`."""
        return self._trial.classes(self.answers(rows))

    def setting(self, **values: Any) -> pa.Table:
        """Return the test rows with these columns set to one value each; None: missing."""
        return changes.with_values(self.rows, values).rows

    def adding(self, **amounts: float) -> pa.Table:
        """Return the test rows with these amounts added to columns of numbers."""
        rows = self.rows
        for name, amount in amounts.items():
            rows = changes.added(rows, name, amount).rows
        return rows


Function = Callable[[BehaviourModel], Result]


@dataclass(frozen=True)
class Declared:
    """One case of a `behaviour.py`."""

    name: str
    max_share: float
    function: Function


def case(name: str, *, max_share: float = 0.0) -> Callable[[Function], Function]:
    """Declare a function as a case of the suite.

    Args:
        name: What it holds, as a sentence.
        max_share: Of what it tries, that may fail: counted exactly.
    """
    if not name or not 0 <= max_share <= 1:
        raise SpecError(
            f"case({name!r}, max_share={max_share!r}): give a name, and a share from 0 to 1"
        )

    def mark(function: Function) -> Function:
        setattr(function, MARK, Declared(name, max_share, function))
        return function

    return mark
