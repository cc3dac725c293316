"""How differently a classifier treats groups: four gaps, each with bounds, also beside the champion's.

Defined as fairlearn 0.15 defines them (Bird et al. 2020): differences and ratios between groups, the
worst of the true and the false positive rate for equalized odds (Hardt, Price & Srebro 2016).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from mlplatform.evaluate.contest import Contest, contest
from mlplatform.evaluate.group_rates import cells_of, rates_of
from mlplatform.evaluate.partitions import Partition, partitions
from mlplatform.features.predicts import Predicts
from mlplatform.model_measures import FairnessSeen, GapSeen, Opponent
from mlplatform.spec.performance_gates import DISPARATE_IMPACT, FairnessGate
from mlplatform.statistics.gap_increase import gap_increase
from mlplatform.statistics.group_gaps import (
    Counts,
    Gap,
    Rate,
    critical_value,
    largest_difference,
    replicates,
    smallest_ratio,
)

# By criterion the rates whose gap it is.
RATES = {
    "accuracy_gap": ("accuracy",),
    "equalized_odds": ("true_positive_rate", "false_positive_rate"),
    "demographic_parity": ("selection_rate",),
    DISPARATE_IMPACT: ("selection_rate",),
}
PAIR = 2  # Groups that a gap is between.
ERROR = 0.05  # Of the lower bounds of all columns together.


def fairness(
    predicts: Predicts,
    rows: pa.Table,
    groups: Sequence[str],
    scores: pa.Table,
    candidate: str,
    champion: Opponent | None,
    policy: FairnessGate,
) -> FairnessSeen:
    """Return every gap that `policy` limits, for each column of `groups`; of several classes accuracy's.

    Args:
        predicts: What the models answer; two classes or several.
        rows: The test rows, for the group columns.
        groups: Columns to judge.
        scores: Table of `evaluate.assessment`, of the same rows in the same order.
        candidate: Its digest.
        champion: The live model.
        policy: Which gaps, and how many rows a rate needs.

    Raises:
        FeatureError: If a group column is not in `rows`.
        ValueError: If the rows are not those of the scores, or numbers are predicted.
    """
    if predicts.task == "regression":
        raise ValueError("fairness is judged of classes; these models predict numbers")
    if rows.num_rows != scores.num_rows:
        raise ValueError(f"{rows.num_rows} rows to group, {scores.num_rows} scores")
    both = contest(predicts, scores, candidate, champion)
    found: list[GapSeen] = []
    if both.judgeable:
        for each in partitions(rows, groups, intersections=False):
            found += _column(both, each, policy, 1 - ERROR / len(groups))
    return FairnessSeen(
        rows=both.rows,
        unusable=both.unusable,
        gaps=found,
        champion=both.champion,
        single=both.single,
    )


@dataclass(frozen=True, eq=False)
class _Column:
    """Rows of one group column by what the label is and each model says, and what was drawn of it."""

    values: Sequence[str]
    cells: Counts
    drawn: Counts
    mine: dict[str, Rate]
    theirs: dict[str, Rate]
    confidence: float
    critical: float = 0.0


def _column(
    both: Contest, part: Partition, policy: FairnessGate, confidence: float
) -> Iterator[GapSeen]:
    """Say each gap of one column; all share the replicates and the critical value."""
    asked = policy.limits(both.predicts.task)
    names = {name for criterion in asked for name in RATES[criterion]}
    cells, meaning = cells_of(both, part)
    mine = rates_of(cells, meaning, 0, names, policy.min_rows)
    theirs = rates_of(cells, meaning, 1, names, policy.min_rows) if both.theirs is not None else {}
    drawn = replicates(cells)
    judged = {name: rate for name, rate in mine.items() if rate.judged.sum() >= PAIR}
    ratios = frozenset({"selection_rate"} if DISPARATE_IMPACT in asked else ())
    critical = critical_value(cells, drawn, judged, ratios, confidence)
    column = _Column(part.values, cells, drawn, mine, theirs, confidence, critical)
    for criterion in asked:
        yield _gap(column, part.group, criterion, len(asked))


def _gap(column: _Column, name: str, criterion: str, asked: int) -> GapSeen:
    rates = {rate: column.mine[rate] for rate in RATES[criterion]}
    judged = {rate: each for rate, each in rates.items() if each.judged.sum() >= PAIR}
    about: dict[str, Any] = {
        "column": name,
        "criterion": criterion,
        "rates": _of_groups(column, rates),
        "small": _small(column, rates),
    }
    if not judged:
        return GapSeen(observed=None, lower=None, upper=None, **about)
    bounded = smallest_ratio if criterion == DISPARATE_IMPACT else largest_difference
    gaps = {rate: bounded(column.cells, each, column.critical) for rate, each in judged.items()}
    which = max(gaps, key=lambda rate: gaps[rate].observed)
    worst = gaps[which]
    if np.isnan(worst.observed):  # Nobody is selected.
        return GapSeen(observed=None, lower=None, upper=None, **about)
    # A rate that too few groups have rows of may lie as far apart as can be.
    known = len(judged) == len(rates)
    return GapSeen(
        observed=worst.observed,
        lower=max(gap.lower for gap in gaps.values()),
        upper=max(gap.upper for gap in gaps.values()) if known else 1.0,
        increase=_increase(column, criterion, list(judged), asked),
        worst=_worst(column, which, worst),
        **about,
    )


def _increase(
    column: _Column, criterion: str, names: Sequence[str], asked: int
) -> tuple[float, float, float] | None:
    if not column.theirs:
        return None
    mine, theirs = ([of[name] for name in names] for of in (column.mine, column.theirs))
    if criterion == DISPARATE_IMPACT:
        # The bounds of both, each at its far side: wider than one of their difference would be.
        (a,), (b,) = mine, theirs
        one, other = (smallest_ratio(column.cells, rate, column.critical) for rate in (a, b))
        drop = other.observed - one.observed
        found = (drop, other.lower - one.upper, min(other.upper - one.lower, 1.0))
        return found if np.isfinite(drop) else None
    confidence = 1 - (1 - column.confidence) / asked
    return gap_increase(column.cells, column.drawn, mine, theirs, column.critical, confidence)


def _of_groups(column: _Column, rates: dict[str, Rate]) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {value: {} for value in column.values}
    for name, rate in rates.items():
        hits, rows = rate.counts(column.cells)
        for at, value in enumerate(column.values):
            found[value][name] = float(hits[at] / rows[at]) if rows[at] else None
            found[value][f"{name}_rows"] = int(rows[at])
    return found


def _small(column: _Column, rates: dict[str, Rate]) -> dict[str, int]:
    """Return the groups that some rate does not judge, with the fewest rows of such a rate."""
    found: dict[str, int] = {}
    for rate in rates.values():
        _, rows = rate.counts(column.cells)
        for at in map(int, np.flatnonzero(~rate.judged)):
            value = column.values[at]
            found[value] = min(found.get(value, int(rows[at])), int(rows[at]))
    return found


def _worst(column: _Column, name: str, gap: Gap) -> str:
    rate = column.mine[name]
    values, places = rate.value(column.cells), np.flatnonzero(rate.judged)
    low, high = (f"{values[at]:.3f} for {column.values[places[at]]}" for at in (gap.low, gap.high))
    return f"{name.replace('_', ' ')} {low}, {high}"
