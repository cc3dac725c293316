"""The declared kinds of cases, each tried on all rows at once: one question to the model per change."""

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray

from mlplatform.evaluate import behaviour_changes as changes
from mlplatform.evaluate.behaviour_changes import Changed
from mlplatform.evaluate.behaviour_seen import Outcome, seen
from mlplatform.evaluate.behaviour_trial import ROUNDING, Trial, UntriedError, apart
from mlplatform.model_measures import CaseSeen
from mlplatform.spec.behaviour import Direction, Invariance, Robustness

Differ = Callable[[Sequence[NDArray[np.float64]]], NDArray[np.bool_]]


def invariance(case: Invariance, trial: Trial) -> CaseSeen:
    """Try whether no two answers to a row differ, whichever values are set; its own answer is one.

    Raises:
        UntriedError: As every case: if a column is unknown, no row changes, or an answer is unusable.
    """
    changed = [changes.with_values(trial.rows, values) for values in case.set]
    wanted = "which has to stay the same"
    if case.tolerance is not None:
        wanted = f"which may move by {case.tolerance:g}"
    return seen(
        case,
        trial,
        altogether(trial, changed, partial(trial.differ, tolerance=case.tolerance)),
        wanted,
    )


def direction(case: Direction, trial: Trial) -> CaseSeen:
    """Try whether the answer never moves the other way by more than the tolerance."""
    if case.add is not None:
        changed = changes.added(trial.rows, case.column, case.add)
    else:
        changed = changes.with_values(trial.rows, {case.column: case.set})
    after = trial.ask(changed.rows)
    up = 1.0 if case.expect == "up" else -1.0
    # Of several quantiles none may move the other way.
    astray = (-up * (_meant(case, trial, after) - _meant(case, trial, trial.before))).max(axis=1)
    failed = changed.where & (astray > case.tolerance + ROUNDING * trial.deviation)
    wanted = f"which may not {'fall' if case.expect == 'up' else 'rise'}"
    if case.of:
        wanted = f"and the probability of {case.of!r} {wanted.removeprefix('which ')}"
    return seen(case, trial, _single(changed, after, failed, astray), wanted)


def robustness(case: Robustness, trial: Trial) -> CaseSeen:
    """Try how many answers change with noise in all columns, or without one of them, the worst."""
    if case.change == "noise":
        columns = case.columns or _of_numbers(trial)
        noise = {name: case.noise * changes.deviation(trial.all_rows, name) for name in columns}
        changed = changes.noisy(trial.rows, noise)
        outcome = altogether(trial, [changed], partial(trial.differ, tolerance=None))
        return seen(case, trial, outcome, "which has to stay the same")
    outcomes = [
        altogether(
            trial,
            [changes.with_values(trial.rows, {name: None})],
            partial(trial.differ, tolerance=None),
        )
        for name in case.columns or trial.varied
    ]
    if not outcomes:
        raise UntriedError("there is no column that may be missing; name them in `columns`")
    worst = max(outcomes, key=lambda outcome: (outcome.share, int(outcome.tried.sum())))
    return seen(case, trial, worst, "which has to stay the same", at_once=len(outcomes))


def altogether(trial: Trial, changed: Sequence[Changed], differ: Differ) -> Outcome:
    """Hold all answers to a row against each other, its own among them.

    `differ` says of several answers, f64[rows, width] each, in which rows they are not all the same.
    """
    after = tuple(trial.ask(each.rows) for each in changed)
    tried = np.any([each.where for each in changed], axis=0)
    moved = np.stack([apart([trial.before, each]) for each in after])
    differs = np.stack([differ([trial.before, each]) for each in after])
    which = np.where(differs, 1 + moved, moved).argmax(axis=0)
    return Outcome(
        tried=tried,
        failed=tried & differ([trial.before, *after]),
        size=apart([trial.before, *after]),
        changed=tuple(each.rows for each in changed),
        after=after,
        columns=tuple(each.columns for each in changed),
        which=which,
    )


def _single(
    changed: Changed,
    after: NDArray[np.float64],
    failed: NDArray[np.bool_],
    size: NDArray[np.float64],
) -> Outcome:
    which = np.zeros(len(after), np.int64)
    return Outcome(
        changed.where, failed, size, (changed.rows,), (after,), (changed.columns,), which
    )


def _meant(case: Direction, trial: Trial, answers: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return what has to move: f64[rows, 1], or of quantiles all of them."""
    if trial.predicts.task != "multiclass":
        return answers
    if case.of not in trial.predicts.classes:
        raise UntriedError(f"there is no class {case.of!r}")
    return answers[:, [trial.predicts.classes.index(case.of)]]


def _of_numbers(trial: Trial) -> list[str]:
    numbers = [n for n in trial.varied if changes.is_number(trial.rows.schema.field(n).type)]
    if not numbers:
        raise UntriedError("there is no column of numbers to add noise to")
    return numbers
