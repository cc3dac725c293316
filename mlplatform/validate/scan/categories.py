"""What is counted of one column of strings or bools, in one atom."""

from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from mlplatform.validate.scan.distinct import Distinct, of_texts

CLASSES = 3  # Negative, positive, and rows without a label.
CAP = 10_000  # Values counted one by one.
Counts = NDArray[np.int64]


@dataclass
class Categories:
    """Rows by value and class.

    Attributes:
        values: The values counted.
        counts: int64[CLASSES, values].
        missing: int64[CLASSES] of nulls.
        other: int64[CLASSES] of rows whose value is not counted any more.
        lost: Most rows that a value may have lost to `other` before it was counted for good.
        outside: Rows whose value is not in the domain.
        distinct: Of the values.
    """

    values: pa.Array = field(default_factory=lambda: pa.array([], pa.string()))
    counts: Counts = field(default_factory=lambda: np.zeros((CLASSES, 0), np.int64))
    missing: Counts = field(default_factory=lambda: np.zeros(CLASSES, np.int64))
    other: Counts = field(default_factory=lambda: np.zeros(CLASSES, np.int64))
    lost: int = 0
    outside: int = 0
    distinct: Distinct = field(default_factory=Distinct.none)

    def merge(self, other: "Categories") -> "Categories":
        """Return the counts of both parts' rows, of the most frequent values."""
        values, counts = joined(self.values, self.counts, other.values, other.counts)
        both = Categories(
            values,
            counts,
            self.missing + other.missing,
            self.other + other.other,
            self.lost + other.lost,
            self.outside + other.outside,
            self.distinct.merge(other.distinct),
        )
        both.trim(CAP)
        return both

    def trim(self, cap: int) -> None:
        """Keep the `cap` most frequent values, of equally frequent ones the first."""
        if len(self.values) <= cap:
            return
        total = self.counts.sum(0)
        limit = np.partition(total, -cap)[-cap]
        kept = total > limit
        kept[np.flatnonzero(total == limit)[: cap - np.count_nonzero(kept)]] = True
        self.lost += int(total[~kept].max())
        self.other = self.other + self.counts[:, ~kept].sum(1)
        self.values, self.counts = self.values.filter(pa.array(kept)), self.counts[:, kept]


def joined(
    values: pa.Array, counts: Counts, more: pa.Array, add: Counts
) -> tuple[pa.Array, Counts]:
    """Return the values of both, and their counts added up; each side's values are distinct."""
    place = pc.index_in(more, value_set=values)
    new = np.asarray(place.is_null())
    total = np.concatenate([counts, add[:, new]], axis=1)
    total[:, np.asarray(place.drop_null())] += add[:, ~new]
    return pa.concat_arrays([values, more.filter(pa.array(new))]), total


class CategoryCounter:
    """Counts one column of one atom, batch by batch."""

    def __init__(self, domain: "list[str] | None") -> None:
        self._domain = None if domain is None else pa.array(domain, pa.string())
        self._counted = Categories()

    def add(self, column: pa.Array, classes: "NDArray[np.intp] | None") -> None:
        """Count a batch of strings, plain or as a dictionary, or of bools.

        `classes` holds the class of each row; `None`: no label.
        """
        values, counts, missing = counted(column, classes)
        state = self._counted
        state.missing = state.missing + missing
        held = np.flatnonzero(counts.any(0))
        if len(held) < len(values):
            values, counts = values.take(pa.array(held)), counts[:, held]
        if self._domain is not None:
            known = np.asarray(pc.is_in(values, value_set=self._domain))
            state.outside += int(counts[:, ~known].sum())
        fresh = values.filter(pc.invert(pc.is_in(values, value_set=state.values)))
        if len(fresh):
            state.distinct = of_texts(state.distinct, fresh)
        batch = Categories(values, counts)
        batch.trim(CAP)
        state.values, state.counts = joined(state.values, state.counts, batch.values, batch.counts)
        state.other, state.lost = state.other + batch.other, state.lost + batch.lost
        if len(state.values) > 2 * CAP:
            state.trim(CAP)

    def result(self) -> Categories:
        """Return what was counted, values in order of their text."""
        state = self._counted
        state.trim(CAP)
        order = pc.sort_indices(state.values)
        state.values, state.counts = state.values.take(order), state.counts[:, np.asarray(order)]
        return state


def counted(
    column: pa.Array, classes: "NDArray[np.intp] | None"
) -> tuple[pa.Array, Counts, Counts]:
    """Return the distinct values, int64[CLASSES, values] rows of each, int64[CLASSES] of null."""
    if pa.types.is_boolean(column.type):
        column = pa.DictionaryArray.from_arrays(column.cast(pa.int8()), ["false", "true"])
    if not pa.types.is_dictionary(column.type):
        column = column.dictionary_encode()
    size = len(column.dictionary)
    indices = column.indices.fill_null(size) if column.null_count else column.indices
    places = np.asarray(indices)
    if classes is not None:
        places = places + classes * (size + 1)
    found = np.bincount(places, minlength=CLASSES * (size + 1)).reshape(CLASSES, size + 1)
    values = column.dictionary
    return (
        values if pa.types.is_string(values.type) else values.cast(pa.string()),
        (found[:, :-1].astype(np.int64)),
        found[:, -1].astype(np.int64),
    )
