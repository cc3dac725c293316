"""Who trains the trials of a study: an epoch at a time, so that between epochs some can be given up."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any

from mlplatform.errors import TrainingError
from mlplatform.spec import Pipeline
from mlplatform.spec.budget import Budget
from mlplatform.train.around import Around
from mlplatform.train.data import Data
from mlplatform.train.fit import fit_data
from mlplatform.tune.attempt import Attempt

TOO_LARGE = "does not fit into the device's memory"


class Crew(ABC):
    """Trains attempts. What is handed to `advance` at once is what `units` put together."""

    @abstractmethod
    def units(self, going: Sequence[Attempt]) -> list[list[Attempt]]:
        """Return the attempts in groups that are trained at once."""

    @abstractmethod
    def steps(self, unit: Sequence[Attempt]) -> int:
        """Return how many updates the next `advance` makes."""

    @abstractmethod
    def advance(self, unit: Sequence[Attempt]) -> None:
        """Train each an epoch on. One that cannot go on has failed then, one at its end is complete."""

    def forget(self, attempt: Attempt) -> None:  # noqa: B027  most keep nothing
        """Let go what is kept of an attempt that is over."""


class Fits(Crew):
    """Trains families that have no epochs in common: each trial is a whole fit.

    Args:
        pipeline: Whose model it is.
        data: The rows.
        left: What of the study's budget is left.
        note: Told what is done otherwise than asked.
    """

    def __init__(
        self,
        pipeline: Pipeline,
        data: Data,
        left: Callable[[], Budget],
        note: Callable[[str], None],
    ) -> None:
        self._pipeline, self._data, self._left, self._note = pipeline, data, left, note

    def units(self, going: Sequence[Attempt]) -> list[list[Attempt]]:
        """Return each by itself."""
        return [[attempt] for attempt in going]

    def steps(self, unit: Sequence[Attempt]) -> int:
        """Return none: how many updates a whole fit makes is known after it."""
        return 0

    def advance(self, unit: Sequence[Attempt]) -> None:
        """Train each to its end."""
        for attempt in unit:
            around = Around(budget=self._left(), on_note=self._note)
            try:
                trained = fit_data(self._pipeline, self._data, attempt.model, around)
            except TrainingError as wrong:
                attempt.fail(str(wrong))
                continue
            fitted: Any = trained.fitted
            attempt.history = {name: list(series) for name, series in fitted.history.items()}
            attempt.steps = int(fitted.spent.get("steps", 0))
            if fitted.stopped_by:
                attempt.cut(fitted.stopped_by)
            else:
                attempt.complete(trained.validation)


class Memory(Crew):
    """Goes through attempts that were trained before: they report what they reported then."""

    def units(self, going: Sequence[Attempt]) -> list[list[Attempt]]:
        """Return all together: nothing is computed."""
        return [list(going)] if going else []

    def steps(self, unit: Sequence[Attempt]) -> int:
        """Return none."""
        return 0

    def advance(self, unit: Sequence[Attempt]) -> None:
        """Let each report what it did next."""
        for attempt in unit:
            attempt.remember()
