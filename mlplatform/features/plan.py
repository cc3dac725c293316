"""How the inputs fill the arrays: worked out once, so that one row costs no look-ups of its own."""

from collections.abc import Callable, Sequence

import numpy as np
import pyarrow as pa

from mlplatform.features.categories import by_distinct, hashed_ids, vocabulary_ids
from mlplatform.features.columns import numbers
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
    columns_of,
)
from mlplatform.features.instants import elapsed, local_clock
from mlplatform.features.vectors import vectors
from mlplatform.features.words import counts

Fill = Callable[..., np.ndarray]  # Arrays of an input's columns to [rows] or [rows, width].


class Plan:
    """The inputs of an encoder over its columns, which come in the order of `columns`."""

    def __init__(self, inputs: Sequence[Input], columns: Sequence[str]) -> None:
        at = {name: place for place, name in enumerate(columns)}
        self._widths = tuple(
            sum(one.width for one in inputs if one.numeric is numeric) for numeric in (True, False)
        )
        self._numbers: list[int] = []  # Places of columns of numbers.
        self._number_names: list[str] = []
        self._number_targets: list[int] = []  # Their places in `numeric`.
        self._others: list[tuple[bool, Fill, list[int], int | slice]] = []
        filled = {True: 0, False: 0}
        for one in inputs:
            start = filled[one.numeric]
            filled[one.numeric] += one.width
            places = [at[name] for name in columns_of(one)]
            if isinstance(one, NumberInput):
                self._numbers += places
                self._number_names.append(one.column)
                self._number_targets.append(start)
                continue
            target = start if one.width == 1 else slice(start, start + one.width)
            self._others.append((one.numeric, filler(one), places, target))

    def encode(self, arrays: Sequence[pa.Array], rows: int) -> Encoded:
        """Return the rows of typed columns as arrays.

        Raises:
            FeatureError: Naming row and column of the first value that does not fit.
        """
        numeric = self._filled_numbers(arrays, rows)
        integers = np.empty((rows, self._widths[1]), dtype=np.int32)
        for is_numeric, fill, places, target in self._others:
            values = fill(*(arrays[place] for place in places))
            (numeric if is_numeric else integers)[:, target] = values
        return Encoded(numeric, integers)

    def _filled_numbers(self, arrays: Sequence[pa.Array], rows: int) -> np.ndarray:
        if not self._numbers:
            return np.empty((rows, self._widths[0]), dtype=np.float32)
        values = numbers([arrays[at] for at in self._numbers], self._number_names)
        if len(self._numbers) == self._widths[0]:
            return values
        numeric = np.empty((rows, self._widths[0]), dtype=np.float32)
        numeric[:, self._number_targets] = values
        return numeric


def filler(one: Input) -> Fill:
    """Return what makes the columns of one input, other than a number."""
    if isinstance(one, VocabularyInput | HashInput):
        ids = vocabulary_ids(one) if isinstance(one, VocabularyInput) else hashed_ids(one)
        return lambda array: by_distinct(array, ids)
    if isinstance(one, TimeInput):
        return lambda array: local_clock(array, one.column, one.timezone)
    if isinstance(one, ElapsedInput):
        return lambda *arrays: elapsed(arrays, one)
    if isinstance(one, VectorInput):
        return lambda array: vectors(array, one.column, one.size)
    assert isinstance(one, TextInput)  # noqa: S101 - all kinds are above.
    return lambda array: counts(array, one)
