"""A model artifact, and the rows that it was trained on: raw, as stored features, and computed anew."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from mlplatform.errors import FeatureError, LakeError
from mlplatform.evaluate.made_from import BATCH_ROWS, MadeFrom, spread
from mlplatform.features.table_rows import ROW_ID, aligned
from mlplatform.monitor.bits import Floats, Ids

if TYPE_CHECKING:
    from mlplatform.features.aggregates import Lookup
    from mlplatform.features.program import Predictor
    from mlplatform.lake import Lake, Version
    from mlplatform.spec import Pipeline

NUMBERS = 8_000_000  # Of one batch at most: 32 MB.


@dataclass(frozen=True)
class Compared:
    """One model artifact, and the version of the feature table that it was trained on."""

    pipeline: "Pipeline"
    lake: "Lake"
    features: "Version"
    digest: str

    @cached_property
    def made(self) -> MadeFrom:
        """What the feature table was made from."""
        return MadeFrom(self.pipeline, self.lake, self.features)

    @cached_property
    def predictor(self) -> "Predictor":
        """The model, as anything that serves it would load it."""
        from mlplatform.features.program import Predictor

        return Predictor.load(self.lake.artifacts.open(self.digest))

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The feature columns: vectors, then ids.

        Raises:
            FeatureError: If the model has others than the table.
        """
        ours, table = self.predictor.encoder, self.made.encoder
        if (ours.vector_names, ours.id_names) != (table.vector_names, table.id_names):
            which = f"{self.features.table} {self.features.reference}"
            raise FeatureError(f"model {self.digest[:12]} was not trained on {which}")
        return (*ours.vector_names, *ours.id_names)

    @cached_property
    def lookup(self) -> "Lookup | None":
        """Values of aggregates, from the table that training read."""
        if self.made.aggregates is None:
            return None
        from mlplatform.features.aggregates import Lookup

        encoder = self.made.encoder
        return Lookup.read(self.lake, self.made.aggregates, encoder.aggregates, encoder.event_time)

    def batches(self, most: int | None = None) -> Iterator["Batch"]:
        """Yield raw rows beside their stored features: all, or at most so many, evenly spread.

        Raises:
            SourceError: If the feature table is not about the rows of its dataset.
        """
        asked = [name for name in self.predictor.encoder.asked if name != ROW_ID]
        rows = max(min(BATCH_ROWS, NUMBERS // max(len(self.names), 1)), 256)
        raw = self.made.rows([ROW_ID, *asked], rows)
        stored = self.made.stored([ROW_ID, *self.names], rows)
        wrong = f"{self.features.table} is not about the rows of its dataset; materialise it again"
        places = None if most is None else spread(self.features.rows, most)
        first = 0
        for one, other in aligned(raw, stored, wrong):
            end = first + one.num_rows
            if places is None:
                yield Batch(one, other, self)
            elif len(inside := places[(places >= first) & (places < end)]):
                at = pa.array(inside - first)
                yield Batch(one.take(at), other.take(at), self)
            first = end


@dataclass(frozen=True)
class Batch:
    """Raw rows, and the same rows of the feature table."""

    raw: pa.RecordBatch
    stored: pa.RecordBatch
    of: Compared

    @property
    def row_ids(self) -> list[int]:
        """Which rows these are."""
        ids: list[int] = self.raw.column(ROW_ID).to_pylist()
        return ids

    def features(self) -> tuple[Floats, Ids]:
        """Return vectors f32[rows, V] and ids i32[rows, M] as stored."""
        encoder = self.of.predictor.encoder
        return (
            _matrix(self.stored, encoder.vector_names, np.float32),
            _matrix(self.stored, encoder.id_names, np.int32),
        )

    def computed(self, predictor: "Predictor") -> tuple[Floats, Floats, Ids]:
        """Return prediction, vectors and ids of the raw rows, by the batch path.

        Raises:
            FeatureError: Naming row and column of a value that does not fit.
        """
        rows = self.of.lookup.fill(self.raw) if self.of.lookup else self.raw
        found: tuple[Floats, Floats, Ids] = predictor.everything(predictor.encoder.encode(rows))
        return found


def _matrix(batch: pa.RecordBatch, names: tuple[str, ...], kind: type) -> np.ndarray:
    found = np.empty((batch.num_rows, len(names)), kind)
    for at, name in enumerate(names):
        found[:, at] = batch.column(name).to_numpy(zero_copy_only=False)
    return found


def trained_on(pipeline: "Pipeline", lake: "Lake", digest: str) -> Compared:
    """Return a model artifact and the feature table it was trained on, as its own commit says.

    Raises:
        LakeError: If no version of the pipeline's `model` has this artifact.
    """
    table = lake.table(pipeline.table("model"))
    for version in table.history():
        if version.lineage.facts.get("artifact") == digest:
            name = pipeline.table("features")
            number = int(version.lineage.inputs[name].partition(":")[0])
            return Compared(pipeline, lake, lake.table(name).version(number), digest)
    raise LakeError(f"no version of {table.name} made artifact {digest[:12]}")
