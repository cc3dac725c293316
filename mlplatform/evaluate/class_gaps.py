"""Gaps between the groups of one column, or of an intersection, by rates of a classifier."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from mlplatform.evaluate.contest import Contest
from mlplatform.evaluate.group_rates import cells_of, rates_of
from mlplatform.evaluate.partitions import Partition
from mlplatform.model_measures import GapSeen
from mlplatform.spec.performance_gates import DISPARATE_IMPACT, FairnessGate
from mlplatform.statistics.gap_increase import Increase
from mlplatform.statistics.group_gaps import (
    FEW,
    Counts,
    Gap,
    Rate,
    critical_value,
    largest_difference,
    replicates,
    smallest_ratio,
)
from mlplatform.statistics.rate_increase import difference_increase, ratio_drop
from mlplatform.statistics.small_groups import shown_difference, shown_ratio

# By criterion the rates whose gap it is.
RATES = {
    "accuracy_gap": ("accuracy",),
    "equalized_odds": ("true_positive_rate", "false_positive_rate"),
    "demographic_parity": ("selection_rate",),
    DISPARATE_IMPACT: ("selection_rate",),
}
PAIR = 2  # Groups that a gap is between.
UNBOUNDED = 1.0  # How far apart rates may lie that nothing is known of.


@dataclass(frozen=True, eq=False)
class _Column:
    """Rows of one group column by what the label is and each model says, and what was drawn of it.

    `error` is how often any lower bound of it may be wrong: half of it for groups that count, half
    for small ones, where there are some.
    """

    name: str
    values: Sequence[str]
    cells: Counts
    drawn: Counts
    mine: Mapping[str, Rate]
    theirs: Mapping[str, Rate]
    same: bool
    error: float
    small: bool
    limits: Mapping[str, float]
    critical: float = 0.0


def class_gaps(
    both: Contest, part: Partition, policy: FairnessGate, error: float
) -> Iterator[GapSeen]:
    """Yield each gap that has a limit; all share the replicates and the critical value.

    `error` is how often any of their lower bounds may be wrong.
    """
    limits = policy.limits(both.predicts.task)
    names = {name for criterion in limits for name in RATES[criterion]}
    cells, meaning = cells_of(both, part)
    mine = rates_of(cells, meaning, 0, names, policy)
    theirs = rates_of(cells, meaning, 1, names, policy) if both.theirs is not None else {}
    small = any((~rate.judged & (rate.counts(cells)[1] > 0)).any() for rate in mine.values())
    asked = np.any([rate.judged for rate in mine.values()], axis=0)
    drawn = replicates(np.where(asked[:, None], cells, 0))
    about = (part.group, part.values, cells, drawn, mine, theirs, both.same)
    column = _Column(*about, error / 2 if small else error, small, limits)
    column = replace(column, critical=_critical(column))
    for criterion in limits:
        yield _gap(column, criterion)


def _critical(column: _Column) -> float:
    judged = {name: rate for name, rate in column.mine.items() if rate.judged.sum() >= PAIR}
    ratios = frozenset({"selection_rate"} if DISPARATE_IMPACT in column.limits else ())
    return critical_value(column.cells, column.drawn, judged, ratios, 1 - column.error)


def _gap(column: _Column, criterion: str) -> GapSeen:
    rates = {rate: column.mine[rate] for rate in RATES[criterion]}
    judged = {rate: each for rate, each in rates.items() if each.judged.sum() >= PAIR}
    nothing = GapSeen(
        column=column.name,
        criterion=criterion,
        observed=None,
        lower=None,
        upper=None,
        rates=_of_groups(column, rates),
        small=_small(column, rates),
    )
    if not judged:
        return nothing
    bounded = smallest_ratio if criterion == DISPARATE_IMPACT else largest_difference
    gaps = {rate: bounded(column.cells, each, column.critical) for rate, each in judged.items()}
    which = max(gaps, key=lambda rate: gaps[rate].observed)
    worst = gaps[which]
    if np.isnan(worst.observed):  # Nobody is selected.
        return nothing
    # Rates that too few groups have rows of, or none of a large one, may lie as far apart as can be.
    known = len(judged) == len(rates) and all(rate.complete for rate in judged.values())
    found = replace(
        nothing,
        observed=worst.observed,
        lower=max(gap.lower for gap in gaps.values()),
        upper=max(gap.upper for gap in gaps.values()) if known else UNBOUNDED,
        increase=_increase(column, criterion, list(judged), known=known),
        worst=_worst(column, which, worst),
    )
    return _shown(column, found, judged)


def _shown(column: _Column, gap: GapSeen, rates: Mapping[str, Rate]) -> GapSeen:
    """Return the gap to a small group in place of `gap`, where that is shown to be beyond the limit."""
    if not column.small:
        return gap
    limit = column.limits[gap.criterion]
    for name, rate in rates.items():
        about = (column.cells, rate, column.error / len(column.mine))
        if gap.criterion == DISPARATE_IMPACT:
            shown = shown_ratio(*about)
            bounds, beyond = (0.0, shown.bound), shown.bound < limit
        else:
            shown = shown_difference(*about)
            bounds, beyond = (shown.bound, UNBOUNDED), shown.bound > limit
        if beyond and not rate.judged[[shown.low, shown.high]].all():
            said = _said(column, name, shown.low, shown.high)
            observed, (lower, upper) = shown.observed, bounds
            of = {column.values[shown.low], column.values[shown.high]}
            small = {value: rows for value, rows in gap.small.items() if value not in of}
            found = replace(gap, observed=observed, lower=lower, upper=upper)
            return replace(found, worst=said, small=small)
    return gap


def _increase(
    column: _Column, criterion: str, names: Sequence[str], *, known: bool
) -> Increase | None:
    if not column.theirs:
        return None
    if column.same:
        return 0.0, 0.0, 0.0
    mine, theirs = ([of[name] for name in names] for of in (column.mine, column.theirs))
    increase = ratio_drop if criterion == DISPARATE_IMPACT else difference_increase
    error = column.error / len(column.limits)
    found = increase(column.cells, column.drawn, mine, theirs, column.critical, error)
    if found is None or known:
        return found
    return found[0], found[1], UNBOUNDED


def _of_groups(column: _Column, rates: Mapping[str, Rate]) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {value: {} for value in column.values}
    for name, rate in rates.items():
        hits, rows = rate.counts(column.cells)
        for at, value in enumerate(column.values):
            found[value][name] = float(hits[at] / rows[at]) if rows[at] else None
            found[value][f"{name}_rows"] = int(rows[at])
    return found


def _small(column: _Column, rates: Mapping[str, Rate]) -> dict[str, int]:
    """Return the groups that some rate does not judge, with the fewest rows of such a rate."""
    found: dict[str, int] = {}
    for rate in rates.values():
        _, rows = rate.counts(column.cells)
        for at in map(int, np.flatnonzero(~rate.judged)):
            value = column.values[at]
            found[value] = min(found.get(value, int(rows[at])), int(rows[at]))
    return found


def _worst(column: _Column, name: str, gap: Gap) -> str:
    places = np.flatnonzero(column.mine[name].judged)
    return _said(column, name, int(places[gap.low]), int(places[gap.high]))


def _said(column: _Column, name: str, low: int, high: int) -> str:
    """Return both rates in words, and over how many rows where they are few."""
    hits, rows = column.mine[name].counts(column.cells)

    def one(at: int) -> str:
        few = f" (of {rows[at]})" if rows[at] < FEW else ""
        return f"{hits[at] / max(rows[at], 1):.3f} for {column.values[at]}{few}"

    return f"{name.replace('_', ' ')} {one(low)}, {one(high)}"
