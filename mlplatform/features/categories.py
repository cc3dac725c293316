"""Categories to ids: each distinct value is looked up, or hashed, once."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from mlplatform.errors import FeatureError
from mlplatform.features.columns import Column
from mlplatform.features.hashing import hashes
from mlplatform.features.inputs import FIRST, MISSING, UNSEEN, HashInput, VocabularyInput

FEW = 32  # Rows up to which looking up each value takes less time than finding distinct ones.
_READ: Mapping[str, Callable[[str], Any]] = {
    "int64": int,
    "string": str,
    "bool": {"false": False, "true": True}.__getitem__,
}
Ids = Callable[[Sequence[Any]], np.ndarray]  # Values, None where missing, to i32 of as many.


def vocabulary_ids(one: VocabularyInput) -> Ids:
    """Return what looks up values: `MISSING` for None, `UNSEEN` outside the vocabulary."""
    read = _READ[one.type]
    known = {None: MISSING} | {read(text): FIRST + k for k, text in enumerate(one.vocabulary)}
    find = known.get

    def ids(values: Sequence[Any]) -> np.ndarray:
        return np.array([find(value, UNSEEN) for value in values], dtype=np.int32)

    return ids


def hashed_ids(one: HashInput) -> Ids:
    """Return what hashes values into buckets: `MISSING` for None."""

    def ids(values: Sequence[Any]) -> np.ndarray:
        found = hashes(map(str, values))
        result = (found % np.uint64(one.buckets)).astype(np.int32) + np.int32(FIRST)
        result[[at for at, value in enumerate(values) if value is None]] = MISSING
        return result

    return ids


def values_of(array: Column, column: str) -> Sequence[Any]:
    """Return the values of a column, None where one is missing.

    Raises:
        FeatureError: If it holds bytes that are no text in UTF-8, which files can.
    """
    if isinstance(array, tuple):
        return array
    try:
        values: list[Any] = array.to_pylist()
    except UnicodeDecodeError as wrong:
        raise FeatureError(f"column {column!r} holds text that is not UTF-8: {wrong}") from None
    return values


def by_distinct(values: Column, column: str, ids: Ids) -> np.ndarray:
    """Return i32[rows] of a column, dictionary-encoded or not.

    Of many rows only the distinct values meet `ids`, so that their cost is Arrow's; of few, each
    value, which costs less than finding the distinct ones.

    Raises:
        FeatureError: If it holds text that is not UTF-8.
    """
    if isinstance(values, tuple) or len(values) <= FEW:
        return ids(values_of(values, column))
    coded = values if isinstance(values, pa.DictionaryArray) else values.dictionary_encode()
    of_distinct = np.append(ids(values_of(coded.dictionary, column)), np.int32(MISSING))
    places = coded.indices
    if (
        places.null_count
    ):  # A null has no place among the distinct values: it looks up the last one.
        places = places.cast(pa.int64()).fill_null(len(of_distinct) - 1)
    result: np.ndarray = of_distinct.take(places.to_numpy())
    return result
