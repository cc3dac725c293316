"""The `features` table: one row a data row, one column a transformed feature, made by the program itself.

Columns are row_id (int64), part (string), label (int8, 1 = positive; int32, a place in the classes; or
f32, a number), weight (f32) where one is declared, the float features (f32) and the ids (i32). Rows
are streamed: memory does not grow with the table.
"""

from collections.abc import Iterable, Iterator
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mlplatform.errors import FeatureError
from mlplatform.features import labels as of_label
from mlplatform.features.batch_function import BatchFunction
from mlplatform.features.encoder import Encoder
from mlplatform.features.engine import Engine, Local, Mapped
from mlplatform.features.labels import LABEL, WEIGHT
from mlplatform.features.statistics import Statistics
from mlplatform.features.table_rows import ROW_ID, parted
from mlplatform.ingest.split import TRAIN
from mlplatform.spec import Pipeline
from mlplatform.spec.label import Label

if TYPE_CHECKING:
    from mlplatform.features.aggregates import Lookup
    from mlplatform.features.feature_program import FeatureProgram

PART = "part"
Batches = Iterable[pa.RecordBatch]


def keys(label: Label) -> list[pa.Field]:
    """Return the columns that stand before the features."""
    return [pa.field(ROW_ID, pa.int64()), pa.field(PART, pa.string()), *of_label.fields(label)]


def reads(pipeline: Pipeline, function: BatchFunction, engine: Engine) -> list[str]:
    """Return the columns of `dataset` that `build` needs: all that features read, unless the engine reads them."""
    raw = function.reads if engine.reads_rows else []
    return list(dict.fromkeys([ROW_ID, *of_label.reads(pipeline.spec.label), *raw]))


def training_batches(dataset: Batches, split: Batches) -> Iterator[pa.RecordBatch]:
    """Yield the rows of `dataset` that `split` gives to training: what features may be fitted on.

    Raises:
        SourceError: If the two are not about the same rows in the same order.
    """
    for rows, part in parted(dataset, split):
        yield rows.filter(pc.equal(part, TRAIN))


def build(
    pipeline: Pipeline,
    encoder: Encoder,
    program: "FeatureProgram",
    dataset: Batches,
    split: Batches,
    lookup: "Lookup | None" = None,
    engine: Engine | None = None,
    *,
    first_row: int = 0,
    statistics: Statistics | None = None,
) -> pa.RecordBatchReader:
    """Return the table of all rows given, in their order, in constant memory.

    Args:
        pipeline: Says what the label is, and what rows weigh.
        encoder: The fitted state.
        program: The exported transformation.
        dataset: Batches with the columns that `reads` names; strings may be dictionaries.
        split: Batches with row_id and part of the same rows.
        lookup: Values of the aggregates, where features read some.
        engine: What maps the rows; by default this process.
        first_row: Number of the first row in `dataset`, for messages.
        statistics: Counts what passes.

    Raises:
        FeatureError: At once if there is nothing to look aggregates up in; while it is read, naming
            row and column of a label, weight or value that is missing or does not fit.
        SourceError: While it is read, if `split` is not about the rows of `dataset`.
    """
    function = BatchFunction(encoder, program, lookup)
    before = keys(pipeline.spec.label)
    schema = pa.schema([*before, *function.schema])
    kept = _keyed(pipeline, dataset, split, first_row)
    mapped = (engine or Local()).map(function, kept, first_row)
    return pa.RecordBatchReader.from_batches(schema, _rows(schema, mapped, len(before), statistics))


def arrays(features: pa.Table, encoder: Encoder) -> "tuple[np.ndarray, ...]":
    """Return vectors f32[rows, V], ids i32[rows, M], labels and weights f32[rows] of a `features` table.

    Labels are f32 of 0 and 1 or of numbers, or i32 of classes; weights are 1 in a table without them.

    Raises:
        FeatureError: If the table was built with other features.
    """
    wanted = (LABEL, *encoder.vector_names, *encoder.id_names)
    lost = [name for name in wanted if name not in features.schema.names]
    if lost:
        raise FeatureError(f"the feature table lacks {lost[0]!r}; build it again with this encoder")
    stack = partial(_stack, features)
    of_classes = features.schema.field(LABEL).type == pa.int32()
    labels = features.column(LABEL).to_numpy().astype(np.int32 if of_classes else np.float32)
    weights = np.ones(features.num_rows, np.float32)
    if WEIGHT in features.schema.names:
        weights = features.column(WEIGHT).to_numpy()
    return (
        stack(encoder.vector_names, np.float32), stack(encoder.id_names, np.int32), labels, weights
    )  # fmt: skip


def _keyed(
    pipeline: Pipeline, dataset: Batches, split: Batches, first_row: int
) -> Iterator[pa.RecordBatch]:
    """Yield the rows with what stands before the features, but the id, in the last columns."""
    label, row = pipeline.spec.label, first_row
    added = [f"__{field.name}" for field in keys(label)[1:]]
    for rows, part in parted(dataset, split):
        known = [part.cast(pa.string()), *of_label.columns(label, rows, row)]
        names = [*rows.schema.names, *added]
        yield pa.RecordBatch.from_arrays([*rows.columns, *known], names)
        row += rows.num_rows


def _rows(
    schema: pa.Schema, mapped: Iterable[Mapped], before: int, statistics: Statistics | None
) -> Iterator[pa.RecordBatch]:
    for rows, features, counted in mapped:
        known = [rows.column(ROW_ID), *rows.columns[1 - before :]]
        if statistics is not None:
            statistics.add(counted)
        yield pa.RecordBatch.from_arrays([*known, *features.columns], schema=schema)


def _stack(features: pa.Table, names: tuple[str, ...], kind: type) -> np.ndarray:
    result = np.empty((features.num_rows, len(names)), dtype=kind)
    for at, name in enumerate(names):
        result[:, at] = features.column(name).to_numpy()
    return result
