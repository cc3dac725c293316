"""The same metrics for parts of the rows: who is the model good for, and who not?"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pyarrow as pa
from numpy.typing import ArrayLike, NDArray

from mlplatform.evaluate.intervals import intervals
from mlplatform.evaluate.partitions import MISSING, Partition, partitions
from mlplatform.evaluate.weak_slices import WeakSlice
from mlplatform.features.predicts import Predicts

__all__ = ["ALL", "MISSING", "SLICES_SCHEMA", "WEAK", "Slice", "by_group", "slices_of", "table_of"]

ALL, WEAK = "all", "weak"
LEAST = 30  # Rows of an intersection: below, bounds of a share span a third of all there is.
MOST = 200  # Intersections, the largest: columns of many values have thousands.

SLICES_SCHEMA = pa.schema(
    [
        pa.field("slice", pa.string(), nullable=False),
        pa.field("kind", pa.string(), nullable=False),
        pa.field("group", pa.string(), nullable=False),
        pa.field("value", pa.string(), nullable=False),
        pa.field("rows", pa.int64(), nullable=False),
        pa.field("metric", pa.string(), nullable=False),
        pa.field("observed", pa.float64()),
        pa.field("lower", pa.float64()),
        pa.field("upper", pa.float64()),
        pa.field("method", pa.string(), nullable=False),
    ]
)


@dataclass(frozen=True, eq=False)
class Slice:
    """A part of the rows.

    Attributes:
        name: `all`, `sex=Female`, `sex=Female & race=Black`, or `age in [17, 24)` of a weak one.
        kind: Why it is there.
        group: The columns of a declared one, `sex & race`; `weak` of a weak one.
        value: What the rows have there.
        rows: Their places, int64[rows], or None: all of them.
    """

    name: str
    kind: Literal["all", "group", "intersection", "weak"]
    group: str
    value: str
    rows: NDArray[np.int64] | None


def slices_of(
    table: pa.Table, groups: Sequence[str], weak: Sequence[WeakSlice] = ()
) -> list[Slice]:
    """Return all rows, each value of each group column, two columns together, and what is weak.

    Values come in their own order; rows without a value are the slice `(missing)`. Of two columns
    together those of at least 30 rows are there, and of more than 200 the largest.

    Raises:
        FeatureError: If `table` lacks a group column.
    """
    parted = [each for part in partitions(table, groups) for each in _parts(part)]
    return [
        Slice(ALL, "all", "", "", None),
        *(each for each in parted if each.kind == "group"),
        *_largest([each for each in parted if each.kind == "intersection"]),
        *(Slice(found.name, "weak", WEAK, found.name, found.rows) for found in weak),
    ]


def _largest(slices: Sequence[Slice]) -> list[Slice]:
    sizes = np.array([0 if each.rows is None else len(each.rows) for each in slices])
    kept = np.argsort(-sizes, kind="stable")[:MOST]
    return [slices[at] for at in sorted(kept.tolist()) if sizes[at] >= LEAST]


def _parts(part: Partition) -> Iterator[Slice]:
    order = np.argsort(part.code, kind="stable")
    kind: Literal["group", "intersection"] = "group" if len(part.columns) == 1 else "intersection"
    of_each = np.split(order, np.cumsum(part.sizes)[:-1])
    for name, value, rows in zip(part.names, part.values, of_each, strict=False):
        yield Slice(name, kind, part.group, value, rows)


def table_of(
    slices: Sequence[Slice], labels: ArrayLike, answers: ArrayLike, predicts: Predicts
) -> pa.Table:
    """Return one row per slice and metric, in `SLICES_SCHEMA`, with two-sided 95 % bounds.

    Metrics, `rows` and `method` are those of `intervals`. `observed` is NaN of all rows, and null of
    a part of them, where it is not defined; bounds are null.
    """
    truth, said = np.asarray(labels), np.asarray(answers)
    rows = [row for each in slices for row in _rows(each, truth, said, predicts)]
    return pa.Table.from_pylist(rows, schema=SLICES_SCHEMA)


def _rows(
    part: Slice, labels: NDArray[np.generic], answers: NDArray[np.generic], predicts: Predicts
) -> Iterator[dict[str, object]]:
    mine = (labels, answers) if part.rows is None else (labels[part.rows], answers[part.rows])
    about = {"slice": part.name, "kind": part.kind, "group": part.group, "value": part.value}
    for metric, found in intervals(predicts, *mine).items():
        yield {
            **about,
            "rows": found.rows,
            "metric": metric,
            "observed": found.observed if part.kind == ALL else _known(found.observed),
            "lower": _known(found.lower),
            "upper": _known(found.upper),
            "method": found.method,
        }


def _known(value: float) -> float | None:
    return value if math.isfinite(value) else None


def by_group(
    table: pa.Table,
    groups: Sequence[str],
    labels: ArrayLike,
    scores: ArrayLike,
    predicts: Predicts | None = None,
) -> pa.Table:
    """Return `table_of` all rows and the slices of `groups`, probabilities of class 1 if not told else.

    Raises:
        FeatureError: If `table` lacks a group column.
        ValueError: If labels, scores and table differ in length.
    """
    count = len(np.asarray(labels))
    if table.num_rows != count:
        raise ValueError(f"{table.num_rows} rows in the table, {count} scores")
    return table_of(slices_of(table, groups), labels, scores, predicts or Predicts())
