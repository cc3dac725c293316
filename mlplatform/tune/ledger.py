"""Who asks Optuna for trials and tells it what became of them."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import AbstractContextManager

import optuna
from optuna.trial import FrozenTrial

from mlplatform.errors import TrainingError
from mlplatform.train.budget import Spent
from mlplatform.tune.attempt import Attempt
from mlplatform.tune.engine import Space
from mlplatform.tune.record import STATES, Record
from mlplatform.tune.storage import Kept

Asked = list[tuple[optuna.Trial, Record | None]]


class Ledger(AbstractContextManager["Ledger"], ABC):
    """Asks for trials, and keeps what became of them."""

    @abstractmethod
    def ask(self, count: int) -> Asked:
        """Return up to `count` more trials, none if there are enough; with what each came to before."""

    def report(self, attempt: Attempt) -> None:
        """Tell the pruner how good a trial's last epoch was."""
        attempt.trial.report(attempt.reports[-1], len(attempt.reports))

    @abstractmethod
    def over(self, attempt: Attempt, spent: Spent) -> None:
        """Hear of a trial that is over, and of what this process used up so far."""

    def others(self) -> Spent:
        """Return what other processes used up for the same study."""
        return Spent()

    @abstractmethod
    def tell(self, attempts: Sequence[Attempt]) -> None:
        """Hear that all of a batch are over."""

    @abstractmethod
    def records(self) -> list[Record]:
        """Return the trials that are over."""

    def __exit__(self, *_: object) -> None:
        """Let go of what is held."""


class Replayed(Ledger):
    """One process asks and tells in the order of numbers, so that equal inputs ask equal trials.

    Every study begins at its first trial: those that are known are asked for again, are the same
    again, and are not trained again. So a study that was killed goes on as if it had not been.

    Args:
        study: Optuna's, in memory and empty.
        space: What is sampled.
        wanted: How many trials.
        known: What the first of them came to before.
        kept: Where those are added that are trained now.
    """

    def __init__(
        self,
        study: optuna.Study,
        space: Space,
        wanted: int,
        known: Sequence[Record],
        kept: Kept | None,
    ) -> None:
        self._study, self._space, self._wanted, self._kept = study, space, wanted, kept
        self._known = {record.number: record for record in known}
        self._over: dict[int, Record] = {}
        self._added = len(known)

    def ask(self, count: int) -> Asked:
        """Return the next trials.

        Raises:
            TrainingError: If a known trial is not what is asked for now.
        """
        asked = len(self._study.get_trials(deepcopy=False))
        trials = [
            self._study.ask(dict(self._space)) for _ in range(min(count, self._wanted - asked))
        ]
        for trial in trials:
            known = self._known.get(trial.number)
            if known is not None and dict(known.params) != trial.params:
                raise TrainingError(
                    f"{self._study.study_name}: trial {trial.number} was kept with {known.params}, and"
                    f" is asked for with {trial.params}; remove the kept study to begin again"
                )
        return [(trial, self._known.get(trial.number)) for trial in trials]

    def over(self, attempt: Attempt, spent: Spent) -> None:
        """Keep those whose predecessors are kept. What a budget cut short is not: it would go on."""
        if attempt.is_cut:
            return
        self._over[attempt.number] = attempt.record()
        while self._kept is not None and self._added in self._over:
            self._kept.add(self._over[self._added], spent)
            self._added += 1

    def tell(self, attempts: Sequence[Attempt]) -> None:
        """Tell Optuna in the order of numbers."""
        for attempt in sorted(attempts, key=lambda attempt: attempt.number):
            tell(self._study, attempt)
            self._over[attempt.number] = attempt.record()

    def records(self) -> list[Record]:
        """Return the trials that are over, by number."""
        return [self._over[number] for number in sorted(self._over)]


def tell(study: optuna.Study, attempt: Attempt, *, skip_if_finished: bool = False) -> FrozenTrial:
    """Tell Optuna how a trial ended, and return it as it is kept."""
    record = attempt.record()
    value = record.metrics[attempt.metric] if record.state == "complete" else None
    state = STATES[record.state]
    if record.state == "pruned" and not record.reports:  # Optuna wants a value of a pruned one.
        state = STATES["failed"]
    return study.tell(attempt.trial, value, state=state, skip_if_finished=skip_if_finished)
