"""What fitting learns of categories: how many rows have each value."""

from collections import Counter
from typing import Any

import numpy as np
import pyarrow as pa

from mlplatform.errors import FeatureError
from mlplatform.features.columns import column_of, typed
from mlplatform.features.declare.categories import MAX_IDS

Counts = Counter[Any]  # Rows by value: text, whole numbers or bools.


def count(counts: Counts, batch: pa.RecordBatch, column: str, kind: str) -> None:
    """Add the values of a column of type `kind` (string, int64 or bool) to `counts`; null is none.

    Raises:
        FeatureError: If there is no such column, it is of another type, or has more distinct values
            than a vocabulary may.
    """
    array = typed(column_of(batch, column), column, kind)
    if not isinstance(array, pa.DictionaryArray):
        array = array.dictionary_encode()
    places = array.indices.drop_null().to_numpy(zero_copy_only=False)
    rows = np.bincount(places, minlength=len(array.dictionary)) if len(places) else np.zeros(0, int)
    there = np.flatnonzero(rows)
    values = array.dictionary.take(pa.array(there)).to_pylist()
    for value, times in zip(values, rows[there].tolist(), strict=True):
        if value is not None:
            counts[value] += times
    if len(counts) > MAX_IDS:
        raise FeatureError(
            f"column {column!r} has more than {MAX_IDS:,} distinct values,"
            " too many for a vocabulary; use Hashed in place of Categorical"
        )


def vocabulary(counts: Counts, min_count: int) -> tuple[str, ...]:
    """Return the values of at least `min_count` rows in order, as text."""
    return tuple(written(value) for value in sorted(v for v, n in counts.items() if n >= min_count))


def written(value: str | int | bool) -> str:  # noqa: FBT001 - one value of a column.
    """Return a category as a vocabulary writes it."""
    return str(value).lower() if isinstance(value, bool) else str(value)
