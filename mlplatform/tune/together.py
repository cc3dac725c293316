"""Trains networks of one shape together: one program that `vmap` makes of the trainer's own."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp

from mlplatform.errors import TrainingError
from mlplatform.train import trainer
from mlplatform.train.halving import NO_MEMORY
from mlplatform.train.loop import Course
from mlplatform.train.task import Rows
from mlplatform.train.trainer import Hyper, Plan, Seeds, State, Taken
from mlplatform.tune.attempt import Attempt
from mlplatform.tune.crew import TOO_LARGE, Crew
from mlplatform.tune.networks import Bench, is_over, network_of

Kind = tuple[Plan, str]


@partial(jax.jit, static_argnames="plan", donate_argnames="states")
def segment(
    states: State, rows: Rows, seeds: Seeds, hypers: Hyper, *, plan: Plan
) -> tuple[State, Taken]:
    """Take the next steps of each of many trainings on the same rows; their arrays are stacked."""

    def one(state: State, seed: Seeds, hyper: Hyper) -> tuple[State, Taken]:
        return trainer.take_segment(state, rows, seed, hyper, plan)

    return jax.vmap(one)(states, seeds, hypers)


@partial(jax.jit, static_argnames="plan", donate_argnames="states")
def judge(states: State, rows: Rows, *, plan: Plan) -> tuple[State, dict[str, jax.Array]]:
    """Measure held-out rows by each of many trainings, and keep each one's best parameters."""
    return jax.vmap(lambda state: trainer.judge_state(state, rows, plan))(states)


@dataclass(eq=False)
class _Stack:
    """Trainings whose arrays are stacked; the last is repeated up to a power of two.

    So survivors of a pruning need at most one more program for each halving of their number.
    """

    members: list[Attempt]
    courses: dict[int, Course]
    rows: Rows
    states: Any = None
    seeds: Any = None
    hypers: Any = None

    @property
    def plan(self) -> Plan:
        """Of each."""
        return self.courses[self.members[0].number].plan

    def begin(self) -> None:
        """Stack the first states."""
        at = _padded(list(range(len(self.members))))
        courses = [self.courses[attempt.number] for attempt in self.members]
        every = [(c.state, c.seeds, c.hyper) for c in courses]
        stacked = jax.tree.map(lambda *leaves: jnp.stack(leaves), *(every[k] for k in at))
        self.states, self.seeds, self.hypers = stacked

    def only(self, going: Sequence[Attempt]) -> None:
        """Leave out the members that do not go on."""
        if len(going) == len(self.members):
            return
        at = jnp.asarray(_padded([self.members.index(attempt) for attempt in going]))
        kept = (self.states, self.seeds, self.hypers)
        self.states, self.seeds, self.hypers = jax.tree.map(lambda a: a[at], kept)
        self.members = list(going)

    def state(self, attempt: Attempt) -> State:
        """Return one member's state."""
        at = self.members.index(attempt)
        found: State = jax.tree.map(lambda a: a[at], self.states)
        return found


class Together(Crew):
    """Trains the networks of one shape at once.

    Args:
        bench: What they share.
    """

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        self._stacks: dict[int, _Stack] = {}
        self._most: dict[Kind, int] = {}

    def units(self, going: Sequence[Attempt]) -> list[list[Attempt]]:
        """Return those of each stack; who has none yet is put into one with others of its shape."""
        new: dict[Kind, list[tuple[Attempt, Course]]] = {}
        for attempt in going:
            if attempt.number in self._stacks:
                continue
            try:
                course = self._bench.course(attempt)
            except TrainingError as wrong:
                attempt.fail(str(wrong))
                continue
            new.setdefault(_kind(attempt, course), []).append((attempt, course))
        for kind, begun in new.items():
            most = self._most.get(kind, len(begun))
            for at in range(0, len(begun), most):
                self._stack(begun[at : at + most])
        stacks = {id(s): s for a in going if (s := self._stacks.get(a.number))}
        return [[a for a in going if self._stacks.get(a.number) is s] for s in stacks.values()]

    def steps(self, unit: Sequence[Attempt]) -> int:
        """Return the steps of an epoch of each."""
        return self._bench.steps(unit)

    def advance(self, unit: Sequence[Attempt]) -> None:
        """Train all an epoch on."""
        stack = self._stacks[unit[0].number]
        try:
            self._epoch(stack, unit)
        except jax.errors.JaxRuntimeError as wrong:
            if NO_MEMORY not in str(wrong):
                raise
            self._halve(stack, unit)

    def forget(self, attempt: Attempt) -> None:
        """Let an attempt go that is over; its stack shrinks before it goes on."""
        self._stacks.pop(attempt.number, None)

    def _stack(self, begun: Sequence[tuple[Attempt, Course]]) -> None:
        stack = _Stack(
            [attempt for attempt, _ in begun],
            {attempt.number: course for attempt, course in begun},
            self._bench.rows(network_of(begun[0][0])),
        )
        self._stacks |= {attempt.number: stack for attempt in stack.members}

    def _epoch(self, stack: _Stack, unit: Sequence[Attempt]) -> None:
        if stack.states is None:
            stack.begin()
        stack.only(unit)
        plan = stack.plan
        for _ in range(plan.segments):
            stack.states, taken = segment(
                stack.states, stack.rows, stack.seeds, stack.hypers, plan=plan
            )
            losses, norms = jax.device_get(taken)
            for at, attempt in enumerate(stack.members):
                attempt.took(float(losses[at]), float(norms[at]))
                attempt.steps += plan.segment_steps
        stack.states, measured = judge(stack.states, self._bench.validation, plan=plan)
        found = jax.device_get(measured)
        for at, attempt in enumerate(stack.members):
            attempt.judged({name: float(values[at]) for name, values in found.items()})
            course = stack.courses[attempt.number]
            if attempt.state is None and is_over(attempt, course):
                self._bench.end(attempt, course, stack.state(attempt))

    def _halve(self, stack: _Stack, unit: Sequence[Attempt]) -> None:
        """Begin again with half as many at once, and train them to where all were."""
        if len(unit) == 1:
            self._smaller(unit[0])
            return
        half = -(-len(unit) // 2)
        self._bench.note(f"a batch of {len(unit)} trials {TOO_LARGE}: {half} at once are trained")
        self._most[_kind(unit[0], stack.courses[unit[0].number])] = half
        for part in (list(unit[:half]), list(unit[half:])):
            self._stack([(attempt, stack.courses[attempt.number]) for attempt in part])
            before = part[0].epochs
            for attempt in part:
                attempt.restart()
            self._again(part, before)

    def _smaller(self, attempt: Attempt) -> None:
        """Begin one again with half the rows a batch."""
        before = attempt.epochs
        try:
            self._bench.halve(attempt)
        except TrainingError as wrong:
            attempt.fail(str(wrong))
            return
        self._stack([(attempt, self._bench.course(attempt))])
        self._again([attempt], before)

    def _again(self, part: Sequence[Attempt], before: int) -> None:
        """Train attempts that began again past the epochs that they had done before."""
        for _ in range(before + 1):
            for unit in self.units([attempt for attempt in part if attempt.state is None]):
                self.advance(unit)


def _kind(attempt: Attempt, course: Course) -> Kind:
    return course.plan, str(network_of(attempt).class_weights)


def _padded(at: list[int]) -> list[int]:
    size = 1 << (len(at) - 1).bit_length()
    return [*at, *[at[-1]] * (size - len(at))]
