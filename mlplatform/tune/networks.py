"""Trains networks one after another: trials of one shape call one compiled program."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import jax
import numpy as np

from mlplatform.errors import TrainingError
from mlplatform.spec import Pipeline
from mlplatform.spec.families import Network
from mlplatform.train import optimizers, trainer
from mlplatform.train.budget import Spent
from mlplatform.train.calibrate import calibrated
from mlplatform.train.data import Data
from mlplatform.train.feed import InMemory
from mlplatform.train.fit import validated
from mlplatform.train.halving import NO_MEMORY, halved
from mlplatform.train.loop import Course, Outcome
from mlplatform.train.nets import network
from mlplatform.train.network import fitted, hyper_of, plan_of
from mlplatform.train.reproducible import streams
from mlplatform.train.task import Rows
from mlplatform.train.trainer import Seeds, State
from mlplatform.train.weights import weighted
from mlplatform.tune.attempt import Attempt
from mlplatform.tune.crew import Crew


@dataclass(frozen=True, eq=False)
class _Part:
    """Training rows with weights: on the host, and on the device."""

    host: Data
    device: Rows


@dataclass(eq=False)
class Bench:
    """What all trials of a study share: its rows, once on the device.

    Attributes:
        pipeline: Whose model it is.
        data: The rows on the host.
        note: Told what is done otherwise than asked.
    """

    pipeline: Pipeline
    data: Data
    note: Callable[[str], None]
    _parts: dict[str, _Part] = field(default_factory=dict)
    _validation: Rows | None = None

    @property
    def validation(self) -> Rows:
        """Held-out rows on the device."""
        if self._validation is None:
            self._validation = jax.device_put(self.data.validation)
        return self._validation

    def course(self, attempt: Attempt) -> Course:
        """Return an attempt's training, its first state still on the host.

        Raises:
            TrainingError: If a setting is unknown.
        """
        model = network_of(attempt)
        optimizers.require(model.optimizer, model.schedule)
        part = self._part(model)
        net = network(self.pipeline, model, self.data.shape)
        plan = plan_of(net, self.data.shape.task, model, self.data.rows, self.batch(attempt))
        words = streams(model.seed)
        initial = net.init(int(words.weights), part.host.sample)
        return Course(
            name=self.pipeline.name,
            plan=plan,
            feed=InMemory(part.device),
            validation=self.validation,
            state=trainer.start(plan, dict(initial.params), dict(initial.fixed), part.host.scale),
            seeds=Seeds(np.asarray(words.order), np.asarray(words.dropout)),
            hyper=hyper_of(model),
            patience=model.early_stopping,
        )

    def batch(self, attempt: Attempt) -> int:
        """Return an attempt's rows a batch."""
        return attempt.batch or min(network_of(attempt).batch_size, self.data.rows)

    def steps(self, attempts: Sequence[Attempt]) -> int:
        """Return how many updates their next epochs make, the cuts to equal segments left out."""
        return sum(self.data.rows // self.batch(attempt) for attempt in attempts)

    def halve(self, attempt: Attempt) -> None:
        """Begin an attempt again with half the batch: what memory does not hold is trained as a model is.

        Raises:
            TrainingError: If there is no smaller one.
        """
        batch, said = halved(self.pipeline.name, self.batch(attempt), self.data.rows)
        self.note(f"trial {attempt.number}: {said}")
        attempt.restart(batch)

    def rows(self, model: Network) -> Rows:
        """Return the training rows on the device, weighted as the model asks."""
        return self._part(model).device

    def _part(self, model: Network) -> _Part:
        weights = str(model.class_weights)
        if weights not in self._parts:
            host = weighted(self.data, self.pipeline.spec.label, model)
            self._parts[weights] = _Part(host, jax.device_put(host.train))
        return self._parts[weights]

    def end(self, attempt: Attempt, course: Course, state: State) -> None:
        """End an attempt with the model of its best epoch, measured as it would be served."""
        params, fixed, scale = jax.device_get((state.best, state.fixed, state.scale))
        outcome = Outcome(
            params=params, fixed=fixed, scale=scale, history=attempt.history,
            best=attempt.best_epoch or 0, steps=attempt.steps, spent=Spent(), stopped_by="",
        )  # fmt: skip
        found = calibrated(fitted(course, outcome), self.data.validation, attempt.model.calibration)
        attempt.complete(validated(found, self.data))


class Apart(Crew):
    """Trains one network after another.

    Args:
        bench: What they share.
    """

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        self._under_way: dict[int, tuple[Course, State]] = {}

    def units(self, going: Sequence[Attempt]) -> list[list[Attempt]]:
        """Return each by itself."""
        return [[attempt] for attempt in going]

    def steps(self, unit: Sequence[Attempt]) -> int:
        """Return the steps of an epoch."""
        return self._bench.steps(unit)

    def advance(self, unit: Sequence[Attempt]) -> None:
        """Train each an epoch on."""
        for attempt in unit:
            try:
                self._go_on(attempt)
            except TrainingError as wrong:
                attempt.fail(str(wrong))

    def forget(self, attempt: Attempt) -> None:
        """Let the state go of an attempt that is over."""
        self._under_way.pop(attempt.number, None)

    def _go_on(self, attempt: Attempt) -> None:
        """Train it an epoch on; what memory does not hold begins again, and comes as far."""
        epochs = attempt.epochs
        try:
            self._epoch(attempt)
        except jax.errors.JaxRuntimeError as wrong:
            if NO_MEMORY not in str(wrong):
                raise
        else:
            return
        self._bench.halve(attempt)
        while attempt.state is None and attempt.epochs <= epochs:
            self._go_on(attempt)

    def _epoch(self, attempt: Attempt) -> None:
        course, state = (
            self._under_way.pop(attempt.number)
            if attempt.number in self._under_way
            else self._begun(attempt)
        )
        plan = course.plan
        for _ in range(plan.segments):
            with jax.transfer_guard("disallow"):
                state, taken = course.feed.advance(
                    attempt.steps // plan.segment_steps, state, course.seeds, course.hyper, plan
                )
            attempt.took(*(float(number) for number in jax.device_get(taken)))
            attempt.steps += plan.segment_steps
            if attempt.state is not None:
                return
        with jax.transfer_guard("disallow"):
            state, measured = trainer.judge(state, course.validation, plan=plan)
        attempt.judged({name: float(n) for name, n in jax.device_get(measured).items()})
        self._under_way[attempt.number] = course, state
        if attempt.state is None and is_over(attempt, course):
            self._bench.end(attempt, course, state)

    def _begun(self, attempt: Attempt) -> tuple[Course, State]:
        course = self._bench.course(attempt)
        state, seeds, hyper = jax.device_put((course.state, course.seeds, course.hyper))
        placed = Course(**{**vars(course), "seeds": seeds, "hyper": hyper, "state": None})
        return placed, state


def is_over(attempt: Attempt, course: Course) -> bool:
    """Tell whether all epochs are done, or patience is at its end."""
    since = attempt.epochs - (attempt.best_epoch or 0)
    impatient = course.patience is not None and since >= course.patience
    return impatient or attempt.epochs >= course.plan.epochs


def network_of(attempt: Attempt) -> Network:
    """Return an attempt's model."""
    assert isinstance(attempt.model, Network)  # noqa: S101  no other comes to these crews
    return attempt.model
