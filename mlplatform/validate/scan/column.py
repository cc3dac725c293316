"""One column of some rows, as a person and the gates ask about it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from mlplatform.spec.section import ColumnType
from mlplatform.validate.scan.categories import Categories
from mlplatform.validate.scan.codes import INFINITE, SIGN, Frame, ranks_of
from mlplatform.validate.scan.histogram import Histogram, histogram_of
from mlplatform.validate.scan.numbers import Numbers
from mlplatform.validate.scan.vectors import Vectors

NEGATIVE, POSITIVE = 0, 1
ANY_VECTOR = "a vector"  # Vectors are not told apart.


@dataclass(frozen=True, kw_only=True)
class ColumnView:
    """What was counted of one column.

    Attributes:
        rows: Of the view, with or without a value here.
        missing: Nulls and NaN.
        missing_by_class: (negative, positive) rows of the label where it is missing.
        infinite: Rows of minus and of plus infinity.
        minimum: Of the finite values, like `maximum`, `mean` and `deviation` (of the population).
            Vectors have only a mean, of their lengths.
        histogram: Of finite numbers; `None` for strings, bools and vectors.
        counts: Rows by value of strings and bools, of at most 10,000 values, most frequent first;
            all vectors count as one value, of which `distinct` and `sample` know nothing.
        positive: Rows of the positive class by value; `negative` of the negative one.
        other: Rows of values not in `counts`.
        lost: Most rows that any value's count may lack; 0 when all values are counted.
        distinct: How many different values there are.
        distinct_exact: Else `distinct` is an estimate, within about 2 %.
        sample: At most 2,000 different values, each as likely to be here as any other.
        outside: Rows outside the limits or the domain that were asked for.
    """

    type: ColumnType
    rows: int
    missing: int
    missing_by_class: tuple[int, int]
    infinite: tuple[int, int] = (0, 0)
    minimum: float | None = None
    maximum: float | None = None
    mean: float | None = None
    deviation: float | None = None
    histogram: Histogram | None = None
    counts: Mapping[str, int]
    negative: Mapping[str, int]
    positive: Mapping[str, int]
    other: int = 0
    lost: int = 0
    distinct: float
    distinct_exact: bool
    sample: tuple[Any, ...]
    outside: int = 0

    @property
    def not_finite(self) -> int:
        """Rows of infinity, of either sign."""
        return sum(self.infinite)

    @property
    def present(self) -> int:
        """Rows with a value."""
        return self.rows - self.missing

    def quantile(self, q: float) -> float | None:
        """Return the smallest number with at least a share `q` of the finite values up to it.

        Within 2^-8 of its distance from the anchor; exact for whole numbers within 256 of it.
        """
        return self.histogram.quantile(q) if self.histogram else None


def of_numbers(
    type_: ColumnType,
    rows: int,
    numbers: Numbers,
    frame: Frame,
    moments: tuple[float, float, float],
) -> ColumnView:
    """Return the view of a column of numbers; `moments` are rows, mean and sum of squares, framed."""
    count, mean, square = (float(part) for part in moments)
    histogram = histogram_of(numbers, frame, whole=type_ != "float64")
    beyond = np.abs(ranks_of(numbers.codes)) - INFINITE
    missing = numbers.counts[:, beyond > 0].sum(1)
    infinite = dict(
        zip(
            numbers.codes[beyond == 0].tolist(),
            numbers.counts[:, beyond == 0].sum(0).tolist(),
            strict=True,
        )
    )
    return ColumnView(
        type=type_,
        rows=rows,
        missing=int(missing.sum()),
        missing_by_class=(int(missing[NEGATIVE]), int(missing[POSITIVE])),
        infinite=(infinite.get(SIGN + INFINITE, 0), infinite.get(INFINITE, 0)),
        minimum=numbers.least if count else None,
        maximum=numbers.most if count else None,
        mean=frame.anchor + mean / frame.scale if count else None,
        deviation=float(np.sqrt(square / count)) / frame.scale if count else None,
        histogram=histogram,
        counts={},
        negative={},
        positive={},
        distinct=float(len(histogram.ranks)) if numbers.on_edges else numbers.distinct.count,
        distinct_exact=numbers.on_edges or not numbers.distinct.full,
        sample=tuple(numbers.distinct.values.tolist()),
        outside=numbers.outside,
    )


def of_categories(type_: ColumnType, rows: int, categories: Categories) -> ColumnView:
    """Return the view of a column of strings or bools."""
    total = categories.counts.sum(0)
    order = np.argsort(-total, kind="stable")
    texts = categories.values.to_pylist()
    by_class = [
        {texts[n]: int(counts[n]) for n in order}
        for counts in (total, categories.counts[NEGATIVE], categories.counts[POSITIVE])
    ]
    all_counted = not categories.lost
    return ColumnView(
        type=type_,
        rows=rows,
        missing=int(categories.missing.sum()),
        missing_by_class=(int(categories.missing[NEGATIVE]), int(categories.missing[POSITIVE])),
        counts=by_class[0],
        negative=by_class[1],
        positive=by_class[2],
        other=int(categories.other.sum()),
        lost=categories.lost,
        distinct=float(len(texts)) if all_counted else categories.distinct.count,
        distinct_exact=all_counted,
        sample=tuple(categories.distinct.values.tolist()),
        outside=categories.outside,
    )


def of_vectors(type_: ColumnType, rows: int, vectors: Vectors) -> ColumnView:
    """Return the view of a column of vectors."""
    by_class = vectors.present.tolist()
    present = sum(by_class)
    return ColumnView(
        type=type_,
        rows=rows,
        missing=int(vectors.missing.sum()),
        missing_by_class=(int(vectors.missing[NEGATIVE]), int(vectors.missing[POSITIVE])),
        mean=vectors.length / present if present else None,
        counts={ANY_VECTOR: present} if present else {},
        negative={ANY_VECTOR: by_class[NEGATIVE]} if present else {},
        positive={ANY_VECTOR: by_class[POSITIVE]} if present else {},
        distinct=0.0,
        distinct_exact=False,
        sample=(),
    )
