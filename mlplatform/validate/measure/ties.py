"""How closely two columns go together, among the rows judged and in the reference."""

import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from mlplatform.measures import CorrelationSeen
from mlplatform.spec import PipelineSpec
from mlplatform.spec.model import NUMBERS
from mlplatform.validate.measure.shifts import comparable
from mlplatform.validate.scan import ColumnView, Histogram, View

NORMAL_KURTOSIS = 3.0
ROWS_A_VALUE = 100  # Of the reference, on average: fewer make a category's label share a guess.
LEAST_UNTIED = 1e-6  # Of 1 - r²: two equal columns leave nothing untied.
LEAST_ROWS = 30  # Of both columns together; fewer are no evidence of how they go together.
Floats = NDArray[np.floating | np.integer]


def correlations(
    spec: PipelineSpec, judged: View, reference: View | None
) -> list[CorrelationSeen] | None:
    """Return every pair of comparable numbers and the label, and each category with the label.

    A category goes by its rate of positives in the reference, so its r there is the correlation
    ratio; with a label that is a number, no category is compared. Without a reference: the pairs
    among the rows judged alone. `None` without rows.
    """
    if not judged.rows:
        return None
    label = [spec.label.column] if same_label(spec, judged, reference) else []
    names = [*comparable(spec, reference or judged), *label]
    pairs = _numbers(judged, reference, names)
    if reference is None or not label or spec.label.task == "regression":
        return pairs
    return pairs + _categories(spec, judged, reference, names)


def same_label(spec: PipelineSpec, judged: View, reference: View | None) -> bool:
    """Whether both scans count the classes of one label; nothing goes with another one alike.

    A number is one in both.
    """
    scans = [judged.scan, *([reference.scan] if reference else [])]
    if spec.label.task == "regression":
        return all(scan.types.get(spec.label.column) in NUMBERS for scan in scans)
    said = {(scan.label, scan.positive, scan.types.get(scan.label or "")) for scan in scans}
    return len(said) == 1 and judged.scan.label is not None


def _numbers(judged: View, reference: View | None, names: list[str]) -> list[CorrelationSeen]:
    now, before = _matrix(judged), _matrix(reference) if reference else {}
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
                inflation=_inflation(reference, pair, was) if reference else 1.0,
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


def _inflation(reference: View, pair: tuple[str, str], r: float) -> float:
    """The variance of r, over that of Fisher's z for normal columns, in the reference."""
    columns = [reference.columns[name].histogram for name in pair]
    if pair[1] == reference.scan.label and columns[0] is not None:
        weights = columns[0].negative, columns[0].positive
        return label_inflation(columns[0].values, weights[0], weights[1], r)
    if columns[0] is None or columns[1] is None:
        return 1.0
    return tied_inflation(math.sqrt(kurtosis(columns[0]) * kurtosis(columns[1])), r)


def tied_inflation(tails: float, r: float) -> float:
    """Return a factor that two columns of this kurtosis rarely exceed, whatever ties them.

    n Var(r) = E[(xy - r (x² + y²) / 2)²] of standardised columns. Where every row is tied, some with
    y = x and others with y = -x, as values that wrap around are, it is kurtosis times (1 - r²), of
    Fisher's (1 - r²)² for normal columns.
    """
    return max(tails, NORMAL_KURTOSIS) / max(1 - r * r, LEAST_UNTIED)


def label_inflation(x: Floats, negative: Floats, positive: Floats, r: float) -> float:
    """Return the factor for a number and a class, from how the number spreads within each class.

    r is the difference of the class means in deviations, so its variance is theirs, and that of the
    deviation by the number's kurtosis: (r² / 4)(kurtosis - 1).
    """
    count = negative + positive
    rows = float(count.sum())
    share = float(positive.sum()) / rows if rows else 0.0
    whole = _variance(x, count)
    if not 0 < share < 1 or whole <= 0:
        return 1.0
    within = (1 - share) * _variance(x, positive) + share * _variance(x, negative)
    spread = r * r / 4 * (_kurtosis(x, count / rows) - 1)
    return max((within / whole + spread) / max(1 - r * r, LEAST_UNTIED) ** 2, 1.0)


def kurtosis(values: Histogram) -> float:
    """Return the fourth standardised moment, 3 for a normal; 3 too for a constant."""
    return _kurtosis(values.values, values.counts / values.rows)


def _variance(values: Floats, counts: Floats) -> float:
    weights = counts / max(counts.sum(), 1)
    return float(weights @ (values - weights @ values) ** 2)


def _kurtosis(values: Floats, weights: Floats) -> float:
    distance = values - weights @ values
    variance = float(weights @ distance**2)
    return float(weights @ distance**4) / variance**2 if variance > 0 else NORMAL_KURTOSIS


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
        by_class = [
            np.array([part.get(value, 0) for value in scores])
            for part in (before.negative, before.positive)
        ]
        found.append(
            CorrelationSeen(
                first=name,
                second=spec.label.column,
                rows=rows,
                r=0.0 if math.isnan(r) else r,
                reference_rows=was_rows,
                reference_r=was,
                inflation=label_inflation(
                    np.array(list(scores.values())), by_class[0], by_class[1], was
                ),
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
