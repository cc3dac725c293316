"""A model that reads point-in-time aggregates, asked about raw rows of a dataset."""

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from mlplatform.errors import FeatureError
from mlplatform.features.predicts import Predicts

if TYPE_CHECKING:
    from mlplatform.features.aggregates import Lookup
    from mlplatform.features.program import Predictor
    from mlplatform.lake import Lake, Version


@dataclass(frozen=True)
class Stored:
    """A model artifact by its digest, loaded when it is asked: as `Scorer` otherwise.

    `predicts` is what it has to predict, the same classes or quantiles in the same order.
    """

    digest: str
    lake: "Lake"
    aggregates: "Version | None" = None
    predicts: Predicts | None = None

    def predict_table(self, rows: pa.Table) -> np.ndarray:
        """Return what it predicts of raw rows, as `Predictor.predict` does.

        Raises:
            CorruptionError: If the files are not those of one model of this format.
            FeatureError: If it predicts something else, if an aggregate that it reads is not counted
                any more, or naming row and column of the first value that does not fit.
        """
        from mlplatform.features.program import Predictor

        predictor = Predictor.load(self.lake.artifacts.open(self.digest))
        if self.predicts not in (None, predictor.predicts):
            raise FeatureError(
                f"model {self.digest[:12]} predicts {predictor.predicts}, not {self.predicts}"
            )
        return Scorer(predictor, self.lake, self.aggregates).predict_table(rows)


@dataclass(frozen=True)
class Scorer:
    """A loaded model, and the version of the table its aggregates are looked up in, if it reads any."""

    predictor: "Predictor"
    lake: "Lake"
    aggregates: "Version | None" = None

    def filled(self, rows: pa.Table) -> pa.Table:
        """Return raw rows with a column for each aggregate that the model reads.

        Raises:
            FeatureError: If the version lacks one of them.
        """
        if self._lookup is None:
            return rows
        batches = rows.combine_chunks().to_batches()
        return pa.Table.from_batches([self._lookup.fill(batch) for batch in batches])

    def predict_table(self, rows: pa.Table) -> np.ndarray:
        """Return what it predicts of raw rows, as `Predictor.predict` does.

        Raises:
            FeatureError: Naming row and column of the first value that does not fit.
        """
        return self.predictor.predict_table(self.filled(rows))

    @cached_property
    def _lookup(self) -> "Lookup | None":
        encoder = self.predictor.encoder
        if not encoder.aggregates or self.aggregates is None:
            return None
        from mlplatform.features.aggregates import Lookup

        return Lookup.read(self.lake, self.aggregates, encoder.aggregates, encoder.event_time)
