"""The host's side of a training: calls segment after segment, and between them looks, keeps, tells and stops."""

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

import jax
import numpy as np

from mlplatform.errors import TrainingError
from mlplatform.train import trainer
from mlplatform.train.around import Around
from mlplatform.train.budget import Meter, Spent
from mlplatform.train.checkpoint import Checkpoints
from mlplatform.train.feed import Feed
from mlplatform.train.preemption import Preemption
from mlplatform.train.progress import Pace
from mlplatform.train.task import Rows, Scale
from mlplatform.train.trainer import Hyper, Plan, Seeds, State

History = dict[str, list[float]]


@dataclass(frozen=True, kw_only=True, eq=False)
class Course:
    """One training, ready to run; every array lies on the device.

    Attributes:
        name: Whose model it is, for messages.
        plan: The programs.
        feed: Training rows.
        validation: Held-out rows.
        state: Before the first step.
        seeds: For each use of chance.
        hyper: Settings that programs take as arguments.
        patience: Epochs without a better loss that end it; None is never.
        devices: That work on it.
    """

    name: str
    plan: Plan
    feed: Feed
    validation: Rows
    state: State
    seeds: Seeds
    hyper: Hyper
    patience: int | None = None
    devices: int = 1


@dataclass(kw_only=True)
class _Sofar:
    """What is known between two segments, and kept with a checkpoint."""

    segment: int = 0
    steps: int = 0
    history: History = field(default_factory=dict)
    taken: list[tuple[float, float]] = field(default_factory=list)  # Of the epoch so far.
    stopped_by: str = ""

    def record(self, measured: Mapping[str, float]) -> None:
        """End an epoch."""
        losses, norms = zip(*self.taken, strict=True)
        told = {"train_loss": float(np.mean(losses)), "gradient_norm": max(norms)}
        told |= {f"validation_{name}": value for name, value in measured.items()}
        for name, value in told.items():
            self.history.setdefault(name, []).append(value)
        self.taken = []

    @property
    def last(self) -> dict[str, float]:
        """The metrics of the last epoch."""
        return {name: values[-1] for name, values in self.history.items()}

    @property
    def best(self) -> int:
        """The epoch, from 1, with the least validation loss."""
        losses = self.history["validation_loss"]
        return losses.index(min(losses)) + 1


@dataclass(frozen=True, kw_only=True, eq=False)
class Outcome:
    """How a training ended: the best epoch's parameters on the host, and how it got there."""

    params: dict[str, np.ndarray]
    fixed: dict[str, np.ndarray]
    scale: Scale
    history: History
    best: int
    steps: int
    spent: Spent
    stopped_by: str


def run(course: Course, around: Around, part: str = "") -> Outcome:
    """Return what a training comes to: all epochs, or fewer where patience or a budget ends it.

    Between the segments nothing moves from host to device or back but the few numbers that are
    looked at: inside a segment the transfer guard forbids it.

    Args:
        course: The training. Its state's buffers are donated.
        around: Where checkpoints lie, what may be used up, who is told.
        part: Names this configuration among those of one recipe.

    Raises:
        TrainingError: If a loss is not finite.
        PreemptedError: If the process was asked to end; what was reached is kept.
    """
    kept = around.kept(part)
    state, sofar, meter = _taken_up(course, around, kept)
    plan = course.plan
    pace = Pace.start(
        epochs=plan.epochs,
        rows=plan.steps * plan.batch_size,
        steps=plan.steps,
        epoch=sofar.segment // plan.segments,
        now=time.monotonic(),
    )
    with Preemption() as preemption:
        while not _ended(course, sofar):
            count = _allowed(course, sofar, meter)
            if count < plan.segment_steps and kept:
                # As it is: with a larger budget it goes on as if nothing had been.
                _keep(kept, sofar, state, meter, around, must=False)
            if count:
                state = _segment(course, state, sofar, count)
            if count < plan.segment_steps:
                sofar.stopped_by = meter.reached(sofar.steps) or ""
            if sofar.taken and (sofar.stopped_by or not sofar.segment % plan.segments):
                state = _judged(course, state, sofar)
                pace = pace.mark(sofar.segment // plan.segments, time.monotonic())
                around.on_epoch(pace.progress(sofar.last))
            if kept and not sofar.stopped_by and (preemption.requested or kept.due()):
                _keep(kept, sofar, state, meter, around, must=preemption.requested)
            if preemption.requested:
                raise preemption.error(sofar.segment // plan.segments, kept=kept is not None)
    params, fixed, scale = jax.device_get((state.best, state.fixed, state.scale))
    return Outcome(
        params=params,
        fixed=fixed,
        scale=scale,
        history=sofar.history,
        best=sofar.best,
        steps=sofar.steps,
        spent=meter.spent(sofar.steps),
        stopped_by=sofar.stopped_by,
    )


def _allowed(course: Course, sofar: _Sofar, meter: Meter) -> int:
    """Return how many steps the next call may take; at least one before there is a model."""
    whole = course.plan.segment_steps
    if sofar.steps and meter.reached(sofar.steps):
        return 0
    left = meter.steps_left(sofar.steps)
    return whole if left is None else min(left, whole)


def _segment(course: Course, state: State, sofar: _Sofar, count: int) -> State:
    plan = course.plan
    part = None if count == plan.segment_steps else count
    with jax.transfer_guard("disallow_explicit"):
        state, taken = course.feed.advance(
            sofar.segment, state, course.seeds, course.hyper, plan, part
        )
    sofar.steps += count
    loss, norm = (float(number) for number in jax.device_get(taken))
    sofar.taken.append((loss, norm))
    sofar.segment += 1
    if not math.isfinite(loss) or not math.isfinite(norm):
        raise TrainingError(_diverged(course, sofar, loss, norm))
    return state


def _judged(course: Course, state: State, sofar: _Sofar) -> State:
    with jax.transfer_guard("disallow_explicit"):
        state, measured = trainer.judge(state, course.validation, plan=course.plan)
    sofar.record({name: float(value) for name, value in jax.device_get(measured).items()})
    loss = sofar.history["validation_loss"][-1]
    if not math.isfinite(loss):
        epoch = len(sofar.history["validation_loss"])
        raise TrainingError(
            f"{course.name}: the validation loss is {loss} in epoch {epoch} of"
            f" {course.plan.epochs}; {_cure(course)}"
        )
    return state


def _diverged(course: Course, sofar: _Sofar, loss: float, norm: float) -> str:
    epoch = (sofar.segment - 1) // course.plan.segments + 1
    what, value = ("train loss", loss) if not math.isfinite(loss) else ("gradient's norm", norm)
    finite = sofar.history.get("train_loss", [])
    before = f"; it was {finite[-1]:g} an epoch before" if finite and what == "train loss" else ""
    return (
        f"{course.name}: the {what} is {value} in epoch {epoch} of {course.plan.epochs}{before};"
        f" {_cure(course)}"
    )


def _cure(course: Course) -> str:
    rate = float(jax.device_get(course.hyper.learning_rate))
    return f"lower model.learning_rate (it is {rate:g}) or set model.gradient_clip"


def _ended(course: Course, sofar: _Sofar) -> bool:
    plan = course.plan
    if sofar.stopped_by or sofar.segment >= plan.epochs * plan.segments:
        return True
    if course.patience is None or not sofar.history:
        return False
    return len(sofar.history["validation_loss"]) - sofar.best >= course.patience


def _taken_up(
    course: Course, around: Around, kept: Checkpoints | None
) -> tuple[State, _Sofar, Meter]:
    """Return where to go on: at the newest sound checkpoint, or at the beginning."""
    saved = kept.newest(course.state) if kept else None
    for warning in kept.warnings if kept else ():
        around.on_note(warning)
    most = around.budget.steps
    if saved is not None and most is not None and saved.notes["sofar"]["steps"] > most:
        # What a larger budget left behind: from there it would end in another model.
        around.on_note(
            f"{course.name}: the checkpoint is beyond budget.steps, {most:,}; begun anew"
        )
        saved = None
    if saved is None:
        return course.state, _Sofar(), Meter(around.budget, course.devices)
    sofar = _Sofar(**saved.notes["sofar"])
    done = sofar.segment / course.plan.segments
    around.on_note(f"{course.name}: going on after {done:g} epochs, from a checkpoint")
    already = Spent.of(saved.notes["spent"])
    return saved.state, sofar, Meter(around.budget, course.devices, already)


def _keep(
    kept: Checkpoints, sofar: _Sofar, state: State, meter: Meter, around: Around, *, must: bool
) -> None:
    told: dict[str, object] = {"segment": sofar.segment, "steps": sofar.steps}
    told |= {"history": sofar.history, "taken": sofar.taken}
    notes = {"sofar": told, "spent": meter.spent(sofar.steps).notes()}
    if said := kept.save(sofar.segment, state, notes, must=must):
        around.on_note(f"{said}")
