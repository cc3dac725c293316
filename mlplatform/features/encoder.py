"""The fitted features: raw columns to arrays (`encode`) to feature vectors (`transform`)."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from mlplatform.errors import FeatureError
from mlplatform.features import columns, rows
from mlplatform.features.state import (
    FIRST,
    MISSING,
    CategoricalState,
    NumericState,
    as_json,
    categorical_state,
    numeric_state,
)

if TYPE_CHECKING:
    import jax

# What a vocabulary's words stand for, by the column's type.
_READ: dict[str, Callable[[str], Any]] = {"int64": int, "string": str, "bool": "true".__eq__}
FORMAT = 1  # Of features.json; raised when a reader of the old form would misread the new one.


@dataclass(frozen=True)
class Encoded:
    """Rows as arrays: `numeric` f32[rows, n], NaN if missing; `categorical` i32[rows, m], ids."""

    numeric: np.ndarray
    categorical: np.ndarray

    def __len__(self) -> int:
        return len(self.numeric)

    def __getitem__(self, part: slice) -> "Encoded":
        return Encoded(self.numeric[part], self.categorical[part])


@dataclass(frozen=True, kw_only=True)
class Encoder:
    """Fitted features. Equal encoders have equal JSON, and encode equal rows to equal bits."""

    numeric: tuple[NumericState, ...]
    categorical: tuple[CategoricalState, ...]

    @cached_property
    def columns(self) -> dict[str, str]:
        """The raw columns read and their types: int64, float64, string or bool. Any may be null."""
        numbers = {state.column: state.type for state in self.numeric}
        return numbers | {state.column: state.type for state in self.categorical}

    @cached_property
    def vector_names(self) -> tuple[str, ...]:
        """Names of the float features, in the order of `transform`'s first result."""
        values = tuple(name for state in self.numeric for name in state.vectors)
        return values + tuple(f"{state.name}__missing" for state in self.numeric if state.indicator)

    @cached_property
    def id_names(self) -> tuple[str, ...]:
        """Names of the id features, in the order of `transform`'s second result."""
        return tuple(f"{state.name}__id" for state in self.categorical)

    def encode(self, data: pa.Table | pa.RecordBatch) -> Encoded:
        """Return the rows of `data` as arrays. Columns that no feature reads are ignored.

        Raises:
            FeatureError: Naming row (counted from 0) and column of the first value that does not
                fit.
        """
        numeric = columns.numbers(data, [state.column for state in self.numeric])
        categorical = np.empty((data.num_rows, len(self.categorical)), dtype=np.int32)
        for at, (category, ids) in enumerate(zip(self.categorical, self._ids, strict=True)):
            categorical[:, at] = columns.categories(data, category.column, category.type, ids)
        return Encoded(numeric, categorical)

    def encode_rows(self, json_rows: Sequence[Mapping[str, Any]]) -> Encoded:
        """Return JSON rows of named columns as arrays: the bits that `encode` of their table has.

        Raises:
            FeatureError: For an unknown or missing column, or a value of another type, naming row
                and column.
        """
        return self.encode(rows.batch(json_rows, self.columns))

    def transform(
        self, numeric: "jax.Array | np.ndarray", categorical: "jax.Array | np.ndarray"
    ) -> "tuple[jax.Array, jax.Array]":
        """Return vectors f32[rows, vectors] and ids i32[rows, m] of encoded rows; traceable."""
        from mlplatform.features.transform import transform

        return transform(self.numeric, numeric, categorical)

    def to_json(self) -> bytes:
        """Return the content of `features.json`, the same bytes for an equal encoder."""
        content = {
            "format": FORMAT,
            "numeric": [as_json(state) for state in self.numeric],
            "categorical": [as_json(state) for state in self.categorical],
        }
        return json.dumps(content, ensure_ascii=False, allow_nan=False, indent=1).encode()

    @staticmethod
    def from_json(content: bytes) -> "Encoder":
        """Return the encoder that `to_json` wrote.

        Raises:
            FeatureError: If `content` is anything else.
        """
        try:
            stored = json.loads(content)
            if stored["format"] != FORMAT:
                raise FeatureError(f"features.json has format {stored['format']}, not {FORMAT}")
            return Encoder(
                numeric=tuple(numeric_state(state) for state in stored["numeric"]),
                categorical=tuple(categorical_state(state) for state in stored["categorical"]),
            )
        except (ValueError, KeyError, TypeError) as wrong:
            raise FeatureError(f"features.json is not what an encoder wrote: {wrong!r}") from None

    @cached_property
    def _ids(self) -> list[dict[Any, int]]:
        return [_ids(state) for state in self.categorical]


def _ids(state: CategoricalState) -> dict[Any, int]:
    read = _READ[state.type]
    return {None: MISSING} | {read(value): FIRST + k for k, value in enumerate(state.vocabulary)}
