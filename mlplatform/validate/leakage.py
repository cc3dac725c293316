"""Does one column alone give the label away? Counted by class in bins, judged on rows not fitted.

A rule that is fitted and judged on the same rows finds a perfect predictor in any column of unique
values. So rows are dealt into two halves by coin, a rule is fitted on each, and judged on the other
(sample splitting; Cox 1975, Biometrika 62:441). Rows of one bin and class are interchangeable, so
the deal is made of their counts alone.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from mlplatform.measures import LeakSeen
from mlplatform.spec import PipelineSpec
from mlplatform.validate.scan import ColumnView, View
from mlplatform.validate.sensitive import shown

Counts = NDArray[np.int64]
SEED = 0  # Of the deal: the same counts give the same answer.
LEAST_OF_A_CLASS = 10  # Five values of a class all lie in the top 5 % once in 100,000 columns.
PRIOR = 1.0  # Rows of the label's own shares that a bin is fitted with, so that no rate is 0 or 1.
NO_AUC = 0.5
MISSING = "missing"
POSITIVE = "of the positive class"


@dataclass(frozen=True, kw_only=True)
class ByClass:
    """Rows of each class in the bins of one column; where it is missing is the last bin.

    Attributes:
        negative: int64[bins] rows, like `positive`.
        names: A name per bin.
        ordered: Whether the bins but the last lie in ascending order.
    """

    negative: Counts
    positive: Counts
    names: Sequence[str]
    ordered: bool


def candidates(spec: PipelineSpec) -> list[str]:
    """Return the columns that a feature may use, in order."""
    barred = {spec.label.column, spec.label.weight, *spec.unused, *spec.known_after}
    return [name for name in spec.columns if name not in barred]


def leaks(
    spec: PipelineSpec,
    views: Sequence[View],
    late: Mapping[str, float] | None = None,
    what: Sequence[str] = (),
) -> list[LeakSeen]:
    """Return what each column that a feature may use says about the label, at worst over the views.

    A view with too few rows of a class says nothing; where none says anything, `auc` is None.
    `late` holds shares by column of times, as `late_shares` returns them; `what` says of each view
    what its rows of class 1 are.
    """
    told = list(zip(views, what or [POSITIVE] * len(views), strict=True))
    # A time that was not compared with the event's is not known to be early enough.
    shares = dict.fromkeys(times(spec), math.nan) if late is None else late
    found = []
    for name in candidates(spec):
        seen = [leak(name, by_class(view.columns[name]), of) for view, of in told if view.rows]
        nothing = LeakSeen(column=name, auc=None, dependence=None)
        found.append(replace(max(seen, key=_badness, default=nothing), late_share=shares.get(name)))
    return found


def by_class(column: ColumnView) -> ByClass:
    """Return the rows of each class by bin or value; values that were not counted are left out."""
    missing = column.missing_by_class
    if column.histogram is not None:
        bins = column.histogram
        names = [f"{value:g}" for value in bins.values]
        negative, positive, ordered = bins.negative, bins.positive, True
    else:
        names = list(column.counts)
        negative = np.array([column.negative.get(name, 0) for name in names], np.int64)
        positive = np.array([column.positive.get(name, 0) for name in names], np.int64)
        ordered = False
    return ByClass(
        negative=np.append(negative, missing[0]),
        positive=np.append(positive, missing[1]),
        names=[*names, MISSING],
        ordered=ordered,
    )


def leak(name: str, seen: ByClass, what: str = POSITIVE) -> LeakSeen:
    """Return how well the column's order, its values, and its being missing tell the classes apart."""
    if min(seen.negative.sum(), seen.positive.sum()) < LEAST_OF_A_CLASS:
        return LeakSeen(column=name, auc=None, dependence=None)
    by_values, dependence = cross_fitted(seen.negative, seen.positive)
    by_order = _either_way(seen.negative[:-1], seen.positive[:-1]) if seen.ordered else NO_AUC
    return LeakSeen(
        column=name,
        auc=max(by_order, by_values, NO_AUC),
        dependence=max(dependence, 0.0),
        missing_auc=_missing_auc(seen),
        worst=_telling(seen, what),
    )


def cross_fitted(negative: Counts, positive: Counts) -> tuple[float, float]:
    """Return the AUC of scoring each bin by its rate of positives, and Theil's U, of unseen rows.

    U is the share of the label's entropy that the column's rates tell (Theil 1970, American Journal
    of Sociology 76:103); below 0 where they tell less than nothing.
    """
    dice = np.random.default_rng(SEED)
    first = dice.binomial(negative, 0.5), dice.binomial(positive, 0.5)
    second = negative - first[0], positive - first[1]
    judged = [_fit_and_judge(*pair) for pair in ((first, second), (second, first))]
    auc, told = np.mean(judged, axis=0)
    return float(auc), float(told)


def _fit_and_judge(
    fitted: tuple[Counts, Counts], judged: tuple[Counts, Counts]
) -> tuple[float, float]:
    negative, positive = fitted
    if min(negative.sum(), positive.sum(), judged[0].sum(), judged[1].sum()) == 0:
        return NO_AUC, 0.0
    base = positive.sum() / (negative.sum() + positive.sum())
    rate = (positive + PRIOR * base) / (negative + positive + PRIOR)
    order = np.argsort(rate, kind="stable")
    tied = np.unique(rate[order], return_inverse=True)[1]
    lows, highs = (np.bincount(tied, part[order]) for part in judged)
    share = judged[1].sum() / (judged[0].sum() + judged[1].sum())
    entropy = -(share * np.log(share) + (1 - share) * np.log(1 - share))
    surprise = -(judged[1] @ np.log(rate) + judged[0] @ np.log1p(-rate))
    return auc(lows, highs), 1 - float(surprise) / float(
        judged[0].sum() + judged[1].sum()
    ) / entropy


def auc(negative: NDArray[np.number], positive: NDArray[np.number]) -> float:
    """Return the chance that a positive row lies in a higher bin than a negative one, ties half.

    The Mann-Whitney statistic of binned rows; 0.5 where a class has no row.
    """
    pairs = float(negative.sum()) * float(positive.sum())
    if not pairs:
        return NO_AUC
    below = np.cumsum(negative, dtype=np.float64) - negative / 2
    return float(positive @ below) / pairs


def _either_way(negative: Counts, positive: Counts) -> float:
    if min(negative.sum(), positive.sum()) < LEAST_OF_A_CLASS:
        return NO_AUC
    found = auc(negative, positive)
    return max(found, 1 - found)


def _missing_auc(seen: ByClass) -> float | None:
    if not seen.negative[-1] and not seen.positive[-1]:
        return None
    rates = [part[-1] / part.sum() for part in (seen.negative, seen.positive)]
    return float(0.5 + abs(rates[1] - rates[0]) / 2)


def _telling(seen: ByClass, what: str) -> str:
    """The bin that tells most: its rows' rate of positives is furthest from all rows', by entropy."""
    rows = seen.negative + seen.positive
    base = seen.positive.sum() / rows.sum()
    rate = (seen.positive + PRIOR * base) / (rows + PRIOR)
    told = rate * np.log(rate / base) + (1 - rate) * np.log((1 - rate) / (1 - base))
    best = int(np.argmax(rows * told))
    share = seen.positive[best] / max(rows[best], 1)
    return (
        f"of {rows[best]:,} rows with {shown(seen.names[best])}, {share:.1%} are {what}, "
        f"of all {base:.1%}"
    )


def _badness(seen: LeakSeen) -> tuple[float, float]:
    known = [value for value in (seen.auc, seen.missing_auc) if value is not None]
    return max(known, default=-1.0), -1.0 if seen.dependence is None else seen.dependence


def times(spec: PipelineSpec) -> list[str]:
    """Return the columns of times, besides the event's, that a feature may use."""
    return [
        name
        for name in candidates(spec)
        if spec.columns[name] == "timestamp" and spec.event_time not in (None, name)
    ]


def late_shares(batches: Iterable[pa.RecordBatch], spec: PipelineSpec) -> dict[str, float]:
    """Return, by column of `times`, the share of its values that lie after their row's event.

    NaN where no row has both times: whether the column is late is then not known. A column without
    any value has none that is late, and is left out. Batches need `spec.event_time` and the columns
    of `times` only.
    """
    names = times(spec)
    late, known, present = (dict.fromkeys(names, 0) for _ in range(3))
    for batch in batches if names else ():
        for name in names:
            after = pc.greater(batch[name], batch[spec.event_time])
            late[name] += pc.sum(after).as_py() or 0
            known[name] += len(after) - after.null_count
            present[name] += len(after) - batch[name].null_count
    return {
        name: late[name] / known[name] if known[name] else math.nan
        for name in names
        if present[name]
    }
