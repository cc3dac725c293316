"""The same metrics for parts of the rows: who is the model good for, and who not?"""

import math
from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import ArrayLike, NDArray

from mlplatform.errors import FeatureError
from mlplatform.evaluate import numbers, tasks
from mlplatform.evaluate.metrics import THRESHOLD, columns, correct
from mlplatform.features.predicts import Predicts

MISSING = "(missing)"
ALL = "all"
Rated = Mapping[
    str, tuple[NDArray[np.bool_], NDArray[np.float64]]
]  # Metric: rows it is of, values.

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
    table: pa.Table,
    groups: Sequence[str],
    labels: ArrayLike,
    scores: ArrayLike,
    predicts: Predicts | None = None,
) -> pa.Table:
    """Return one row per slice and metric: all rows first, then each value of each group column.

    Metrics are `accuracy`, and of two classes `selection_rate` and `true_positive_rate`, all
    fractions; of numbers `mae` and `bias`, of quantiles `pinball` and `coverage` of the outermost
    two, in the label's unit but for the last. `rows` are those the metric is a mean over: the slice's
    rows, of `true_positive_rate` its positives. `observed` is null where it is not defined: no such
    rows, or one without a usable answer. Values come in their own order; rows without a value are the
    slice `(missing)`.

    Args:
        table: The rows.
        groups: Columns of it.
        labels: As `features.labels.truth` gives them.
        scores: A model's answers.
        predicts: What the answers are; probabilities of class 1 if left out.

    Raises:
        FeatureError: If `table` lacks a group column.
        ValueError: If labels, scores and table differ in length.
    """
    unknown = [name for name in groups if name not in table.column_names]
    if unknown:
        raise FeatureError(
            f"group column {unknown[0]!r} is not in the table; it has {table.column_names}"
        )
    rated = _of_rows(predicts or Predicts(), labels, scores)
    count = len(np.asarray(labels))
    if table.num_rows != count:
        raise ValueError(f"{table.num_rows} rows in the table, {count} scores")
    rows = _rated(ALL, "", np.zeros(count, dtype=np.int64), [""], rated)
    for name in groups:
        code, values = _codes(table[name])
        rows += _rated("", name, code, values, rated)
    return pa.Table.from_pylist(rows, schema=SLICES_SCHEMA)


def _of_rows(predicts: Predicts, labels: ArrayLike, scores: ArrayLike) -> Rated:
    if predicts.task == "regression":
        return _of_numbers(predicts, labels, scores)
    if predicts.task == "multiclass":
        right = tasks.correct(predicts, labels, scores)
        return {"accuracy": (np.ones(len(right), dtype=bool), right)}
    truth, score = columns(labels, scores)
    every = np.ones(len(score), dtype=bool)
    return {
        "accuracy": (every, correct(truth, score)),
        "selection_rate": (every, _selected(score)),
        "true_positive_rate": (truth, _selected(score)),
    }


def _of_numbers(predicts: Predicts, labels: ArrayLike, scores: ArrayLike) -> Rated:
    truth, said = numbers.columns(labels, scores, len(predicts.quantiles) or 1)
    every, known = np.ones(len(truth), dtype=bool), np.isfinite(said).all(1)
    if predicts.quantiles:
        lost = numbers.pinball(truth, said, predicts.quantiles)
        found = {"pinball": lost, "coverage": numbers.within(truth, said).astype(np.float64)}
        if len(predicts.quantiles) < numbers.PAIR:
            del found["coverage"]
    else:
        found = {"mae": np.abs(said[:, 0] - truth), "bias": said[:, 0] - truth}
    return {name: (every, np.where(known, values, np.nan)) for name, values in found.items()}


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
    rated: Rated,
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
        for metric in rated
    ]


def _share(hits: float, rows: int) -> float | None:
    return hits / rows if rows and math.isfinite(hits) else None
