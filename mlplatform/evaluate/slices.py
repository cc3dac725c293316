"""The same metrics for parts of the rows: who is the model good for, and who not?"""

import math
from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import ArrayLike, NDArray

from mlplatform.errors import FeatureError
from mlplatform.evaluate.metrics import THRESHOLD, columns, correct

MISSING = "(missing)"
ALL = "all"
METRICS = ("accuracy", "selection_rate", "true_positive_rate")

SLICES_SCHEMA = pa.schema(
    [
        pa.field("slice", pa.string(), nullable=False),
        pa.field("group", pa.string(), nullable=False),
        pa.field("value", pa.string(), nullable=False),
        pa.field("rows", pa.int64(), nullable=False),
        pa.field("metric", pa.string(), nullable=False),
        pa.field("observed", pa.float64()),
    ]
)


def by_group(
    table: pa.Table, groups: Sequence[str], labels: ArrayLike, scores: ArrayLike
) -> pa.Table:
    """Return one row per slice and metric: all rows first, then each value of each group column.

    `rows` are those the metric is a mean over: the slice's rows for `accuracy` and
    `selection_rate`, its positives for `true_positive_rate`. `observed` is a fraction, and null
    where it is not defined: no such rows, or one without a probability. Values come in their own
    order; rows without a value are the slice `(missing)`.

    Raises:
        FeatureError: If `table` lacks a group column.
        ValueError: If labels, scores and table differ in length.
    """
    unknown = [name for name in groups if name not in table.column_names]
    if unknown:
        raise FeatureError(
            f"group column {unknown[0]!r} is not in the table; it has {table.column_names}"
        )
    truth, score = columns(labels, scores)
    if table.num_rows != len(score):
        raise ValueError(f"{table.num_rows} rows in the table, {len(score)} scores")
    rated = {
        "accuracy": (np.ones(len(score), dtype=bool), correct(truth, score)),
        "selection_rate": (np.ones(len(score), dtype=bool), _selected(score)),
        "true_positive_rate": (truth, _selected(score)),
    }
    rows = _rated(ALL, "", np.zeros(len(score), dtype=np.int64), [""], rated)
    for name in groups:
        code, values = _codes(table[name])
        rows += _rated("", name, code, values, rated)
    return pa.Table.from_pylist(rows, schema=SLICES_SCHEMA)


def _selected(score: NDArray[np.float64]) -> NDArray[np.float64]:
    usable = (score >= 0) & (score <= 1)
    return np.where(usable, (score >= THRESHOLD).astype(np.float64), np.nan)


def _codes(column: pa.ChunkedArray) -> tuple[NDArray[np.int64], list[str]]:
    """Return for each row which value it holds, and the values, sorted."""
    text = pc.fill_null(column.cast(pa.string()), MISSING).combine_chunks()
    encoded = text.dictionary_encode()
    values = np.array(encoded.dictionary.to_pylist(), dtype=object)
    order = np.argsort(values)
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = np.arange(len(order))
    return rank[encoded.indices.to_numpy()], [str(value) for value in values[order]]


def _rated(
    named: str,
    group: str,
    code: NDArray[np.int64],
    values: Sequence[str],
    rated: Mapping[str, tuple[NDArray[np.bool_], NDArray[np.float64]]],
) -> list[dict[str, object]]:
    count = {m: np.bincount(code[of], minlength=len(values)) for m, (of, _) in rated.items()}
    total = {
        m: np.bincount(code[of], weights=hit[of], minlength=len(values))
        for m, (of, hit) in rated.items()
    }
    return [
        {
            "slice": named or f"{group}={value}",
            "group": group,
            "value": value,
            "rows": int(count[metric][i]),
            "metric": metric,
            "observed": _share(float(total[metric][i]), int(count[metric][i])),
        }
        for i, value in enumerate(values)
        for metric in METRICS
    ]


def _share(hits: float, rows: int) -> float | None:
    return hits / rows if rows and math.isfinite(hits) else None
