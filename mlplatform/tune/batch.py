"""Trains a study's trials, batch after batch: reports after each epoch, gives up those that others outdo."""

import time
from collections.abc import Callable, Sequence

from mlplatform.errors import PreemptedError
from mlplatform.spec import Pipeline
from mlplatform.spec.budget import Budget
from mlplatform.spec.families import Network
from mlplatform.spec.space import space_of, with_values
from mlplatform.train.budget import Meter, Spent
from mlplatform.train.data import Data
from mlplatform.train.preemption import Preemption
from mlplatform.train.progress import Pace
from mlplatform.train.task import Task
from mlplatform.tune import best
from mlplatform.tune.around import StudyProgress, Surroundings
from mlplatform.tune.asking import Asking, is_together
from mlplatform.tune.attempt import Attempt
from mlplatform.tune.crew import Crew, Fits, Memory
from mlplatform.tune.engine import values_of
from mlplatform.tune.ledger import Asked
from mlplatform.tune.record import Record

LEAST = 1e-3  # Seconds, hours or money that a limit is left: none at all is no budget.


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
        self._pace: Pace | None = None
        self.cut: list[Record] = []
        self.stopped_by = ""

    @property
    def spent(self) -> Spent:
        """What is used up by now."""
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
            for attempt in going:
                if attempt.state is not None:
                    self._ended(attempt)
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
            attempt.trial.report(attempt.reports[-1], len(attempt.reports))
        for attempt in new:
            if attempt.state is None and attempt.trial.should_prune():
                attempt.prune()

    def _ended(self, attempt: Attempt) -> None:
        self._crew.forget(attempt)
        self._asked.ledger.over(attempt, self.spent)
        if attempt.is_cut:  # By what was left of the budget for it.
            self.stopped_by = attempt.failure or ""
            self.cut.append(attempt.record())
            return
        self._over.append(attempt.record())
        now = time.monotonic()
        if attempt.known is not None or self._pace is None:
            return
        self._pace = self._pace.mark(len(self._over), now)
        self._around.on_trial(
            StudyProgress(
                record=self._over[-1],
                done=len(self._over),
                wanted=self._asked.wanted,
                metric=self._asked.metric,
                best=best.of(self._over, self._asked.metric, self._asked.direction),
                eta_seconds=self._pace.progress({}).eta_seconds,
            )
        )

    def _is_stopped(self, crew: Crew, unit: Sequence[Attempt]) -> bool:
        """Tell whether the budget holds no more; the next epoch must fit into its steps."""
        if self._preemption.requested:
            done, wanted = len(self._over), self._asked.wanted
            then = "run the same command to go on" if self._asked.keeps else "nothing is kept"
            said = f"asked to end after {done} of {wanted} trials; {then}"
            raise PreemptedError(f"{self._pipeline.name}: {said}")
        if self._pace is None:
            self._pace = Pace.start(
                epochs=self._asked.wanted, rows=0, steps=0, epoch=len(self._over),
                now=time.monotonic(),
            )  # fmt: skip
        next_steps = max(crew.steps(unit) - 1, 0)
        self.stopped_by = self._meter.reached(self._steps + next_steps) or ""
        return bool(self.stopped_by)

    def _cut(self, going: Sequence[Attempt]) -> None:
        """End those that go on where they are; those that are over since the last epoch are kept."""
        for attempt in going:
            if attempt.state is None:
                attempt.cut(self.stopped_by)
                self.cut += [attempt.record()] if attempt.steps else []
            self._crew.forget(attempt)
            self._asked.ledger.over(attempt, self.spent)

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
        spent, budget = self.spent, self._budget
        left = {
            name: max(limit - getattr(spent, name), LEAST)
            for name in ("wall_seconds", "device_hours", "cost")
            if (limit := getattr(budget, name)) is not None
        }
        if budget.steps is not None:
            left["steps"] = max(budget.steps - spent.steps, 1)
        return budget.model_copy(update=left)
