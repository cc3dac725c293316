"""Trains networks one after another: trials of one shape call one compiled program."""

from collections.abc import Sequence
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
from mlplatform.train.loop import Course, Outcome
from mlplatform.train.nets import network
from mlplatform.train.network import NO_MEMORY, fitted, hyper_of, plan_of
from mlplatform.train.reproducible import streams
from mlplatform.train.task import Rows
from mlplatform.train.trainer import Seeds, State
from mlplatform.train.weights import weighted
from mlplatform.tune.attempt import Attempt
from mlplatform.tune.crew import TOO_LARGE, Crew


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
    """

    pipeline: Pipeline
    data: Data
    _parts: dict[str, _Part] = field(default_factory=dict)
    _validation: Rows | None = None

    @property
    def validation(self) -> Rows:
        """Held-out rows on the device."""
        if self._validation is None:
            self._validation = jax.device_put(self.data.validation)
        return self._validation

    def course(self, model: Network) -> Course:
        """Return a training, its first state still on the host.

        Raises:
            TrainingError: If a setting is unknown.
        """
        optimizers.require(model.optimizer, model.schedule)
        part = self._part(model)
        net = network(self.pipeline, model, self.data.shape)
        rows = self.data.rows
        plan = plan_of(net, self.data.shape.task, model, rows, min(model.batch_size, rows))
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
        model = attempt.model
        assert isinstance(model, Network)  # noqa: S101  of no other is there a course
        params, fixed, scale = jax.device_get((state.best, state.fixed, state.scale))
        outcome = Outcome(
            params=params, fixed=fixed, scale=scale, history=attempt.history,
            best=attempt.best_epoch or 0, steps=attempt.steps, spent=Spent(), stopped_by="",
        )  # fmt: skip
        found = calibrated(fitted(course, outcome), self.data.validation, model.calibration)
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
        return sum(epoch_steps(a.model, self._bench.data) for a in unit)

    def advance(self, unit: Sequence[Attempt]) -> None:
        """Train each an epoch on."""
        for attempt in unit:
            try:
                self._epoch(attempt)
            except TrainingError as wrong:
                attempt.fail(str(wrong))
            except jax.errors.JaxRuntimeError as wrong:
                if NO_MEMORY not in str(wrong):
                    raise
                attempt.fail(TOO_LARGE)

    def forget(self, attempt: Attempt) -> None:
        """Let the state go of an attempt that is over."""
        self._under_way.pop(attempt.number, None)

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
        assert isinstance(attempt.model, Network)  # noqa: S101  no other comes here
        course = self._bench.course(attempt.model)
        state, seeds, hyper = jax.device_put((course.state, course.seeds, course.hyper))
        placed = Course(**{**vars(course), "seeds": seeds, "hyper": hyper, "state": None})
        return placed, state


def is_over(attempt: Attempt, course: Course) -> bool:
    """Tell whether all epochs are done, or patience is at its end."""
    since = attempt.epochs - (attempt.best_epoch or 0)
    impatient = course.patience is not None and since >= course.patience
    return impatient or attempt.epochs >= course.plan.epochs


def epoch_steps(model: object, data: Data) -> int:
    """Return how many updates an epoch makes, the cut to equal segments left out."""
    assert isinstance(model, Network)  # noqa: S101  no other has epochs
    return data.rows // min(model.batch_size, data.rows)
