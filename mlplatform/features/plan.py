"""How the inputs fill the arrays: worked out once, so that one row costs no look-ups of its own."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from mlplatform.features.categories import by_distinct, hashed_ids, vocabulary_ids
from mlplatform.features.columns import Column, numbers
from mlplatform.features.encoded import Encoded
from mlplatform.features.inputs import (
    ElapsedInput,
    HashInput,
    Input,
    NumberInput,
    TextInput,
    TimeInput,
    VectorInput,
    VocabularyInput,
)
from mlplatform.features.instants import elapsed, local_clock
from mlplatform.features.vectors import vectors
from mlplatform.features.words import counts

Columns = Sequence[Column]  # All of an encoder, in order.
Fill = Callable[[Columns], np.ndarray]  # To [rows] or [rows, width].


class Plan:
    """The inputs of an encoder over its columns, which come in the order of `columns`."""

    def __init__(self, inputs: Sequence[Input], columns: Sequence[str]) -> None:
        self._place = {name: place for place, name in enumerate(columns)}
        # Numbers are read together; every other input fills its place in one of the two arrays.
        self._numbers: list[int] = []  # Their places among the columns.
        self._names: list[str] = []
        self._targets: list[int] = []
        self._others: list[tuple[bool, int | slice, Fill]] = []
        self._widths = {True: 0, False: 0}
        for one in inputs:
            self._add(one, self._widths[one.numeric])
            self._widths[one.numeric] += one.width

    def _add(self, one: Input, start: int) -> None:
        if isinstance(one, NumberInput):
            self._numbers.append(self._place[one.column])
            self._names.append(one.column)
            self._targets.append(start)
        else:
            many = isinstance(one, VectorInput | TextInput | TimeInput)
            target: int | slice = slice(start, start + one.width) if many else start
            self._others.append((one.numeric, target, filler(one, self._place)))

    def encode(self, columns: Columns, rows: int) -> Encoded:
        """Return the rows of typed columns as arrays.

        Raises:
            FeatureError: Naming row and column of the first value that does not fit.
        """
        numeric = self._with_numbers(columns, rows)
        integers = np.empty((rows, self._widths[False]), dtype=np.int32)
        for is_numeric, target, fill in self._others:
            (numeric if is_numeric else integers)[:, target] = fill(columns)
        return Encoded(numeric, integers)

    def _with_numbers(self, columns: Columns, rows: int) -> np.ndarray:
        values = None
        if self._numbers:
            values = numbers([columns[at] for at in self._numbers], self._names)
            if len(self._names) == self._widths[True]:
                return values
        numeric = np.empty((rows, self._widths[True]), dtype=np.float32)
        if values is not None:
            numeric[:, self._targets] = values
        return numeric


def filler(one: Input, place: Mapping[str, int]) -> Fill:
    """Return what makes the columns of one input, other than a number, of columns in these places."""
    column, at = one.column, place[one.column]
    if isinstance(one, VocabularyInput | HashInput):
        ids = vocabulary_ids(one) if isinstance(one, VocabularyInput) else hashed_ids(one)
        return lambda columns: by_distinct(columns[at], column, ids)
    if isinstance(one, TimeInput):
        return lambda columns: local_clock(columns[at], column, one.timezone)
    if isinstance(one, ElapsedInput):
        since = place[one.since]
        return lambda columns: elapsed(columns[at], columns[since], one)
    if isinstance(one, VectorInput):
        return lambda columns: vectors(columns[at], column, one.size)
    assert isinstance(one, TextInput)  # noqa: S101 - all kinds are above.
    return lambda columns: counts(columns[at], one)
