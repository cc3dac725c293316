"""Trains a study's trials, batch after batch: reports after each epoch, gives up those that others outdo."""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from mlplatform.errors import PreemptedError
from mlplatform.spec import Pipeline
from mlplatform.spec.budget import Budget
from mlplatform.spec.families import Network
from mlplatform.spec.space import space_of, with_values
from mlplatform.train.budget import Meter, Spent, less, reached, total
from mlplatform.train.data import Data
from mlplatform.train.preemption import Preemption
from mlplatform.train.task import Task
from mlplatform.tune import best
from mlplatform.tune.around import StudyProgress, Surroundings
from mlplatform.tune.asking import Asking, is_together
from mlplatform.tune.attempt import Attempt
from mlplatform.tune.crew import Crew, Fits, Memory
from mlplatform.tune.engine import values_of
from mlplatform.tune.ledger import Asked
from mlplatform.tune.record import Record


class Batches:
    """The trials of one study.

    Args:
        pipeline: Whose model is tuned.
        data: Its rows.
        asked: Where trials come from.
        around: Who is told.
        note: Told what is done otherwise than asked.
    """

    def __init__(
        self,
        pipeline: Pipeline,
        data: Data,
        asked: Asking,
        around: Surroundings,
        note: Callable[[str], None],
    ) -> None:
        self._pipeline, self._asked, self._around = pipeline, asked, around
        self._budget = pipeline.spec.budget
        self._meter = Meter(self._budget, 1, asked.already)
        self._steps = asked.already.steps if asked.already else 0
        self._crew, self._memory = self._crew_of(data, note), Memory()
        self._loss = Task.of(pipeline.spec.label).metric
        self._together = is_together(pipeline)
        self._preemption = Preemption()
        self._over: list[Record] = []
        self._began: float | None = None  # Of the first trial that is trained here.
        self._timed = 0  # Trials since.
        self.cut: list[Record] = []
        self.stopped_by = ""

    @property
    def spent(self) -> Spent:
        """What is used up by now, by all processes."""
        return total([self._own, self._asked.ledger.others()])

    @property
    def _own(self) -> Spent:
        return self._meter.spent(self._steps)

    def run(self) -> None:
        """Train all, or as many as the budget lets.

        Raises:
            PreemptedError: If the process was asked to end.
        """
        with self._preemption:
            while True:
                asked = self._asked.ledger.ask(self._pipeline.spec.tuning.batch)
                if not asked:
                    return
                attempts = self._attempts(asked)
                # Without a pruner each goes to its end: nothing is to be compared on the way.
                alone = self._pipeline.spec.tuning.pruner == "none" and not self._together
                for group in [[attempt] for attempt in attempts] if alone else [attempts]:
                    self._train(group)
                    if self.stopped_by:
                        return
                self._asked.ledger.tell(attempts)

    def _train(self, going: Sequence[Attempt]) -> None:
        """Train each to its end, an epoch in turn."""
        while going:
            for crew, unit in self._units(going):
                if unit[0].known is None and self._is_stopped(crew, unit):
                    self._cut(going)
                    return
                before = sum(attempt.steps for attempt in unit)
                crew.advance(unit)
                self._steps += sum(attempt.steps for attempt in unit) - before
            self._compare(going)
            self._end([attempt for attempt in going if attempt.state is not None])
            going = [attempt for attempt in going if attempt.state is None]

    def _units(self, going: Sequence[Attempt]) -> list[tuple[Crew, list[Attempt]]]:
        known = [attempt for attempt in going if attempt.known is not None]
        new = [attempt for attempt in going if attempt.known is None]
        units = [(self._memory, unit) for unit in self._memory.units(known)]
        return [*units, *((self._crew, unit) for unit in self._crew.units(new))]

    def _compare(self, going: Sequence[Attempt]) -> None:
        """Report the epoch that each has done, then ask of each whether it is given up."""
        new = [attempt for attempt in going if attempt.has_news()]
        for attempt in new:
            self._asked.ledger.report(attempt)
        for attempt in new:
            if attempt.state is None and attempt.trial.should_prune():
                attempt.prune()

    def _end(self, ended: Sequence[Attempt]) -> None:
        """Let go of trials that are over, and tell of those that were trained."""
        for attempt in ended:
            self._crew.forget(attempt)
            self._asked.ledger.over(attempt, self._own)
        counted = [a for a in ended if not a.is_cut and not a.is_lost]
        new = [attempt for attempt in counted if attempt.known is None]
        self._timed += len(new)
        left = self._asked.wanted - len(self._over) - len(counted)
        for attempt in counted:
            self._over.append(attempt.record())
            if attempt in new:
                self._tell(self._over[-1], left)
        for attempt in ended:
            if attempt.is_cut:  # By what was left of the budget for it.
                self.stopped_by = reached(self._budget, self.spent) or attempt.failure or ""
                self.cut.append(attempt.record())

    def _tell(self, record: Record, left: int) -> None:
        """Tell of a trial that is over, and how long those that are left take: as long as these did."""
        passed = time.monotonic() - (self._began or 0.0)
        self._around.on_trial(
            StudyProgress(
                record=record,
                done=len(self._over),
                wanted=self._asked.wanted,
                metric=self._asked.metric,
                best=best.of(self._over, self._asked.metric, self._asked.direction),
                eta_seconds=left * passed / self._timed if self._began else None,
            )
        )

    def _is_stopped(self, crew: Crew, unit: Sequence[Attempt]) -> bool:
        """Tell whether the budget holds no more; the next epoch must fit into its steps."""
        if self._preemption.requested:
            done, wanted = len(self._over), self._asked.wanted
            then = "run the same command to go on" if self._asked.keeps else "nothing is kept"
            said = f"asked to end after {done} of {wanted} trials; {then}"
            raise PreemptedError(f"{self._pipeline.name}: {said}")
        if self._began is None:
            self._began = time.monotonic()
        next_steps = max(crew.steps(unit) - 1, 0)
        spent = self.spent
        spent = replace(spent, steps=spent.steps + next_steps)
        self.stopped_by = reached(self._budget, spent) or ""
        return bool(self.stopped_by)

    def _cut(self, going: Sequence[Attempt]) -> None:
        """End those that go on where they are; those that are over since the last epoch are kept."""
        for attempt in going:
            if attempt.state is None:
                attempt.cut(self.stopped_by)
                self.cut += [attempt.record()] if attempt.steps else []
            self._crew.forget(attempt)
            self._asked.ledger.over(attempt, self._own)

    def _attempts(self, asked: Asked) -> list[Attempt]:
        model, tuning = self._pipeline.spec.model, self._pipeline.spec.tuning
        space = space_of(model, tuning)
        return [
            Attempt(
                trial=trial,
                model=with_values(model, values_of(space, trial.params)),
                metric=self._asked.metric,
                loss=self._loss,
                known=known,
            )
            for trial, known in asked
        ]

    def _crew_of(self, data: Data, note: Callable[[str], None]) -> Crew:
        if not isinstance(self._pipeline.spec.model, Network):
            return Fits(self._pipeline, data, self._left, note)
        from mlplatform.tune.networks import Apart, Bench
        from mlplatform.tune.together import Together

        bench = Bench(self._pipeline, data, note)
        return Together(bench) if is_together(self._pipeline) else Apart(bench)

    def _left(self) -> Budget:
        """Return what is left of the budget."""
        return less(self._budget, self.spent.notes())
