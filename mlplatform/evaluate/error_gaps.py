"""How many times larger a model's errors are of one group than of another: of numbers, and of quantiles."""

from collections.abc import Iterator
from dataclasses import replace
from math import expm1
from typing import Any

import numpy as np

from mlplatform.evaluate import tasks
from mlplatform.evaluate.contest import Answers, Contest
from mlplatform.evaluate.group_rates import counted
from mlplatform.evaluate.partitions import Partition
from mlplatform.model_measures import GapSeen
from mlplatform.spec.performance_gates import ERROR_RATIO, FairnessGate
from mlplatform.statistics.error_ratio import (
    GroupErrors,
    error_estimates,
    group_errors,
    largest_ratio,
)
from mlplatform.statistics.gap_increase import Increase, gap_increase
from mlplatform.statistics.group_gaps import Bools, Floats
from mlplatform.statistics.paired_changes import log_changes

PAIR = 2  # Groups that a ratio is between.
FURTHEST = 50.0  # Beyond exp of which no ratio is told from another.


def error_gaps(
    both: Contest, part: Partition, policy: FairnessGate, error: float
) -> Iterator[GapSeen]:
    """Yield the ratio of the largest to the smallest mean error, where that has a limit.

    `error` is how often its lower bound may be wrong. Groups under `min_rows` rows are named only:
    of few errors no bound is exact.
    """
    if ERROR_RATIO not in policy.limits("regression"):
        return
    models = [both.mine, *([both.theirs] if both.theirs is not None else [])]
    each = np.stack([_errors(both, said) for said in models], axis=1)
    seen = group_errors(each, part.code, len(part.values))
    judged = counted(part.sizes, part.sizes, policy)
    nothing = GapSeen(
        column=part.group,
        criterion=ERROR_RATIO,
        observed=None,
        lower=None,
        upper=None,
        rates=_of_groups(part, seen),
        small={part.values[at]: int(seen.rows[at]) for at in map(int, np.flatnonzero(~judged))},
    )
    yield _bounded(both, part, seen, judged, nothing, error)


def _bounded(
    both: Contest,
    part: Partition,
    seen: GroupErrors,
    judged: Bools,
    nothing: GapSeen,
    error: float,
) -> GapSeen:
    if judged.sum() < PAIR:
        return nothing
    gap = largest_ratio(seen, judged, error)
    if not np.isfinite(gap.observed):
        return nothing
    mean, places = seen.mean[judged, 0], np.flatnonzero(judged)
    low, high = (f"{mean[at]:.4g} for {part.values[places[at]]}" for at in (gap.low, gap.high))
    return replace(
        nothing,
        observed=gap.observed,
        lower=gap.lower,
        upper=gap.upper,
        increase=_increase(both, seen, judged, error),
        worst=f"mean error {low}, {high}",
    )


def _errors(both: Contest, said: Answers) -> Floats:
    """Return float64[rows]: absolute errors, or pinball losses of quantiles, in the label's unit."""
    found = tasks.errors(both.predicts, both.labels, said)
    return found if both.predicts.quantiles else np.sqrt(found)


def _increase(both: Contest, seen: GroupErrors, judged: Bools, error: float) -> Increase | None:
    """Return by what share of the champion's ratio the candidate's is larger."""
    if both.theirs is None:
        return None
    if both.same:
        return 0.0, 0.0, 0.0
    found = error_estimates(seen, judged, error)
    if not found:
        return None
    mine, theirs = found
    changes = log_changes(mine.seen, theirs.seen, mine.off - theirs.off)
    grown, lower, upper = gap_increase([mine], [theirs], [changes], error)
    return expm1(grown), expm1(lower), expm1(min(upper, FURTHEST))


def _of_groups(part: Partition, seen: GroupErrors) -> dict[str, dict[str, Any]]:
    return {
        value: {"mean_error": float(seen.mean[at, 0]), "mean_error_rows": int(seen.rows[at])}
        for at, value in enumerate(part.values)
    }
