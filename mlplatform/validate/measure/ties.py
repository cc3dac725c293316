"""How closely two columns go together, among the rows judged and in the reference."""

import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from mlplatform.measures import CorrelationSeen
from mlplatform.spec import PipelineSpec
from mlplatform.validate.measure.shifts import comparable
from mlplatform.validate.scan import ColumnView, Histogram, View

NORMAL_KURTOSIS = 3.0
ROWS_A_VALUE = 100  # Of the reference, on average: fewer make a category's label share a guess.
LEAST_ROWS = 30  # Of both columns together; fewer are no evidence of how they go together.
Floats = NDArray[np.float64]


def correlations(
    spec: PipelineSpec, judged: View, reference: View | None
) -> list[CorrelationSeen] | None:
    """Return every pair of comparable numbers and the label, and each category with the label.

    A category goes by its rate of positives in the reference, so its r there is the correlation
    ratio. Without a reference: the pairs among the rows judged alone. `None` without rows.
    """
    if not judged.rows:
        return None
    names = [*comparable(spec, reference or judged), spec.label.column]
    pairs = _numbers(judged, reference, names)
    if reference is None:
        return pairs
    return pairs + _categories(spec, judged, reference, names)


def _numbers(judged: View, reference: View | None, names: list[str]) -> list[CorrelationSeen]:
    now, before = _matrix(judged), _matrix(reference) if reference else {}
    heavy = _kurtoses(reference) if reference else {}
    found = []
    for pair, (r, rows) in now.items():
        was, was_rows = before.get(pair, (math.nan, 0))
        known = not math.isnan(was) and was_rows >= LEAST_ROWS
        if not set(pair) <= set(names) or rows < LEAST_ROWS or (reference and not known):
            continue
        found.append(
            CorrelationSeen(
                first=pair[0],
                second=pair[1],
                rows=rows,
                r=0.0 if math.isnan(r) else r,  # A constant goes with nothing.
                reference_rows=was_rows,
                reference_r=was if known else None,
                inflation=_inflation(*(heavy.get(name, NORMAL_KURTOSIS) for name in pair)),
            )
        )
    return found


def _matrix(view: View) -> dict[tuple[str, str], tuple[float, int]]:
    """Pearson's r and rows by pair of columns, each pair once."""
    names, r = view.correlations()
    rows = view.pair_rows()
    return {
        (names[a], names[b]): (float(r[a, b]), int(rows[a, b]))
        for a in range(len(names))
        for b in range(a + 1, len(names))
    }


def _inflation(first: float, second: float) -> float:
    """The variance of r over that of normal columns, where tails are as heavy as these kurtoses.

    1 + the common kurtosis parameter for elliptical columns (Muirhead 1982, section 5.1), here of
    the geometric mean, which bounds E[x²y²] by Cauchy and Schwarz.
    """
    return max(math.sqrt(first * second) / NORMAL_KURTOSIS, 1.0)


def _kurtoses(view: View) -> dict[str, float]:
    found = {
        name: kurtosis(column.histogram)
        for name, column in view.columns.items()
        if column.histogram is not None and column.histogram.rows
    }
    label = view.scan.label
    if label is not None:
        share = _positive_share(view)
        found[label] = two_point_kurtosis(share)
    return found


def kurtosis(values: Histogram) -> float:
    """Return the fourth standardised moment, 3 for a normal; 3 too for a constant."""
    return _kurtosis(values.values, values.counts / values.rows)


def two_point_kurtosis(share: float) -> float:
    """Return the kurtosis of 0 and 1, of which `share` are 1."""
    return _kurtosis(np.array([0.0, 1.0]), np.array([1 - share, share]))


def _kurtosis(values: Floats, weights: Floats) -> float:
    distance = values - weights @ values
    variance = float(weights @ distance**2)
    return float(weights @ distance**4) / variance**2 if variance > 0 else NORMAL_KURTOSIS


def _positive_share(view: View) -> float:
    column = next(iter(view.columns.values()))
    positive, negative = _class_rows(column)
    return positive / max(positive + negative, 1)


def _class_rows(column: ColumnView) -> tuple[int, int]:
    """(positive, negative) rows of the label, where the column is missing too."""
    if column.histogram is not None:
        seen = int(column.histogram.positive.sum()), int(column.histogram.negative.sum())
    else:
        seen = sum(column.positive.values()), sum(column.negative.values())
    return seen[0] + column.missing_by_class[1], seen[1] + column.missing_by_class[0]


def _categories(
    spec: PipelineSpec, judged: View, reference: View, names: list[str]
) -> list[CorrelationSeen]:
    found = []
    for name in names:
        before, now = reference.columns[name], judged.columns[name]
        if name == spec.label.column or before.type not in ("string", "bool"):
            continue
        if before.other or len(before.counts) * ROWS_A_VALUE > before.present:
            continue
        scores = rates(before)
        was, was_rows = with_label(before, scores)
        r, rows = with_label(now, scores)
        if was_rows < LEAST_ROWS or rows < LEAST_ROWS or math.isnan(was):
            continue
        weights = np.array([before.counts[value] for value in scores]) / before.present
        heavy = _kurtosis(np.array(list(scores.values())), weights)
        found.append(
            CorrelationSeen(
                first=name,
                second=spec.label.column,
                rows=rows,
                r=0.0 if math.isnan(r) else r,
                reference_rows=was_rows,
                reference_r=was,
                inflation=_inflation(heavy, two_point_kurtosis(_positive_share(reference))),
            )
        )
    return found


def rates(column: ColumnView) -> dict[str, float]:
    """Return the share of the positive class by value."""
    return {
        value: column.positive.get(value, 0)
        / max(column.positive.get(value, 0) + column.negative.get(value, 0), 1)
        for value in column.counts
    }


def with_label(column: ColumnView, scores: Mapping[str, float]) -> tuple[float, int]:
    """Return Pearson's r of the values' scores and the label as 0 or 1, and how many rows.

    Values without a score are left out; NaN where either does not vary.
    """
    values = [value for value in column.counts if value in scores]
    x = np.array([scores[value] for value in values])
    positive = np.array([column.positive.get(value, 0) for value in values], np.float64)
    rows = positive + np.array([column.negative.get(value, 0) for value in values], np.float64)
    count = float(rows.sum())
    if not count:
        return math.nan, 0
    x = x - (rows @ x) / count
    base = float(positive.sum()) / count
    spread = float(rows @ x**2) * count * base * (1 - base)
    r = float(positive @ x) / math.sqrt(spread) if spread > 0 else math.nan
    return r, int(count)
