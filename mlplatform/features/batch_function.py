"""The batch function: raw columns to feature columns, made of an artifact's two files and nothing else.

Whatever maps rows runs this: the local engine's threads, the workers of a cluster. It needs no user
code, and one batch tells it nothing about another.
"""

import re
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from mlplatform.errors import FeatureError
from mlplatform.features.encoded import Encoded
from mlplatform.features.encoder import Encoder
from mlplatform.features.feature_program import FeatureProgram
from mlplatform.features.statistics import Counter, Statistics

if TYPE_CHECKING:
    from mlplatform.features.aggregates import Lookup

ENCODER, PROGRAM = "features.json", "features.stablehlo"
_ROW = re.compile(r"row (\d+)(?=:)")


class BatchFunction:
    """Encoding and feature program as one map over record batches. Threads may share it.

    Args:
        encoder: The fitted state.
        program: What transforms encoded rows.
        lookup: Values of the point-in-time aggregates, where the features read some.
    """

    def __init__(
        self, encoder: Encoder, program: FeatureProgram, lookup: "Lookup | None" = None
    ) -> None:
        if encoder.aggregates and lookup is None:
            raise FeatureError(
                f"the features read the aggregate {encoder.aggregates[0].name!r};"
                " give the table of its values"
            )
        self.encoder, self.program = encoder, program
        self.lookup = lookup if encoder.aggregates else None
        self._counter = Counter(encoder)

    @staticmethod
    def load(files: Mapping[str, bytes], lookup: "Lookup | None" = None) -> "BatchFunction":
        """Return the function of an artifact's files, `features.json` and `features.stablehlo`."""
        encoder = Encoder.from_json(files[ENCODER])
        return BatchFunction(encoder, FeatureProgram.load(files[PROGRAM], encoder), lookup)

    @property
    def files(self) -> dict[str, bytes]:
        """The files it can be loaded from."""
        return {ENCODER: self.encoder.to_json(), PROGRAM: self.program.content}

    @cached_property
    def reads(self) -> list[str]:
        """The raw columns it needs of a batch."""
        return list(self.encoder.asked if self.lookup else self.encoder.columns)

    @cached_property
    def schema(self) -> pa.Schema:
        """The columns it makes: float features (f32), then ids (i32)."""
        floats = [pa.field(name, pa.float32()) for name in self.encoder.vector_names]
        return pa.schema([*floats, *(pa.field(name, pa.int32()) for name in self.encoder.id_names)])

    def __call__(self, batch: pa.RecordBatch, first_row: int = 0) -> pa.RecordBatch:
        """Return the feature columns of raw rows.

        Raises:
            FeatureError: Naming column and row, counted from `first_row`, of a value that does not
                fit.
        """
        return self._made(*self.program.columns(self._encoded(batch, first_row)))

    def counted(
        self, batch: pa.RecordBatch, first_row: int = 0
    ) -> tuple[pa.RecordBatch, Statistics]:
        """Return the feature columns of raw rows, and their statistics; errors as above."""
        encoded = self._encoded(batch, first_row)
        vectors, ids = self.program.columns(encoded)
        return self._made(vectors, ids), self._counter.count(encoded, vectors, ids)

    def _encoded(self, batch: pa.RecordBatch, first_row: int) -> Encoded:
        try:
            return self.encoder.encode(self.lookup.fill(batch) if self.lookup else batch)
        except FeatureError as wrong:
            said = renumbered(str(wrong), lambda row: first_row + row)
            raise FeatureError(said) from None

    def _made(self, vectors: np.ndarray, ids: np.ndarray) -> pa.RecordBatch:
        columns = [pa.array(column) for part in (vectors, ids) for column in part]
        return pa.RecordBatch.from_arrays(columns, schema=self.schema)


def renumbered(said: str, place: Callable[[int], int]) -> str:
    """Return a message about a row of a batch as one about the row at its `place` in the table."""
    return _ROW.sub(lambda found: f"row {place(int(found[1]))}", said, count=1)
