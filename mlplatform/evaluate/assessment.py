"""Candidate and champion on the same rows: their metrics as a table, and their scores row by row."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from mlplatform.errors import (
    CorruptionError,
    FeatureError,
    LakeError,
    MissingArtifactError,
    SourceError,
    in_words,
)
from mlplatform.evaluate.slices import SLICES_SCHEMA, Slice, slices_of, table_of
from mlplatform.evaluate.weak_slices import losses, weak_slices
from mlplatform.features.labels import truth
from mlplatform.features.predicts import Predicts
from mlplatform.spec import PipelineSpec

SCHEMA = SLICES_SCHEMA.insert(0, pa.field("model", pa.string(), nullable=False))
SCORES = "scores.arrow"


class Predictor(Protocol):
    """A model artifact."""

    def predict_table(self, table: pa.Table) -> Any:
        """Return f32[rows] or f32[rows, outputs], as `features.predicts` says."""


@dataclass(frozen=True, eq=False)
class Assessment:
    """What two models did on the same rows.

    Attributes:
        metrics: One row per (model, slice, metric), in `SCHEMA`, with bounds; NaN of a model without
            scores. Slices are those of `slices.slices_of`: the first model's weak ones for every model.
        scores: `row_id`, `label` and per model digest one column of float32, or of lists of them;
            see `answers`.
        unscored: Why a model gave no scores, by digest; its column is all NaN. Its rows of metrics
            tell this assessment from one without it.
    """

    metrics: pa.Table
    scores: pa.Table
    unscored: Mapping[str, str] = field(default_factory=dict)


def assess(
    spec: PipelineSpec,
    rows: pa.Table,
    models: Mapping[str, Predictor],
    dispensable: Collection[str] = (),
) -> Assessment:
    """Return the metrics and scores of every model in `models`, by digest, on dataset `rows`.

    One that is `dispensable` is left `unscored`, whatever it raises: its files are gone or not those of a
    model, it does not fit the rows, its program breaks. A lake or a disk that cannot be read is no such
    reason: the next attempt may reach it.

    Raises:
        SourceError: If there is no row to judge by.
        FeatureError: If a row's label is none of its task.
        Exception: What a model raises that is not dispensable.
    """
    if not rows.num_rows:
        raise SourceError(f"{spec.name}: the test split has no rows, so no model can be judged")
    predicts, labels = Predicts.of(spec.label), truth(spec.label, rows)
    found, unscored = {}, {}
    for digest, predictor in models.items():
        try:
            found[digest] = _answers_of(predictor, predicts, rows)
        except Exception as wrong:
            if digest not in dispensable or _is_unreachable(wrong):
                raise
            unscored[digest] = in_words(wrong)
            found[digest] = np.full((rows.num_rows, *predicts.width), np.nan, np.float32)
    slices = _slices(spec, rows, labels, next(iter(found.values()), None))
    tables = [_measured(slices, labels, scores, predicts, m) for m, scores in found.items()]
    columns = {"row_id": rows["row_id"], "label": labels}
    stored = {digest: _stored(scores) for digest, scores in found.items()}
    return Assessment(pa.concat_tables(tables), pa.table(columns | stored), unscored)


def answers(scores: pa.Table, digest: str) -> NDArray[np.float32]:
    """Return one model's answers in a table of scores: f32[rows], or f32[rows, outputs]."""
    column = scores[digest].combine_chunks()
    several = pa.types.is_fixed_size_list(column.type)
    found: NDArray[np.float32] = (column.flatten() if several else column).to_numpy()
    return found.reshape(len(column), column.type.list_size) if several else found


def _answers_of(predictor: Predictor, predicts: Predicts, rows: pa.Table) -> NDArray[np.float32]:
    scores = np.asarray(predictor.predict_table(rows), dtype=np.float32)
    if scores.shape != (rows.num_rows, *predicts.width):
        raise FeatureError(
            f"the model answers with {list(scores.shape[1:])} numbers a row, where the label asks for"
            f" {list(predicts.width)}; it predicts something else"
        )
    return scores


def _is_unreachable(wrong: Exception) -> bool:
    """Whether it is the surroundings' fault and not the model's."""
    if isinstance(wrong, MissingArtifactError | CorruptionError):
        return False
    return isinstance(wrong, LakeError | OSError)


def _stored(scores: NDArray[np.float32]) -> pa.Array:
    if scores.ndim == 1:
        return pa.array(scores)
    return pa.FixedSizeListArray.from_arrays(pa.array(scores.ravel()), scores.shape[1])


def to_bytes(scores: pa.Table) -> bytes:
    """Return the scores as an Arrow file."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_file(sink, scores.schema) as writer:
        writer.write_table(scores.combine_chunks())
    return bytes(sink.getvalue())


def from_bytes(content: bytes) -> pa.Table:
    """Return the scores in an Arrow file."""
    return pa.ipc.open_file(pa.BufferReader(content)).read_all()


def _slices(
    spec: PipelineSpec, rows: pa.Table, labels: NDArray[Any], scores: NDArray[np.float32] | None
) -> list[Slice]:
    """Return the declared slices, and where these scores are weak by the columns a model may read."""
    if scores is None:
        return slices_of(rows, spec.groups)
    left_out = {spec.label.column, *spec.unused}
    read = [name for name in spec.columns if name not in left_out]
    loss = losses(Predicts.of(spec.label), labels, scores.astype(np.float64))
    found = weak_slices(rows, read, loss, rows["row_id"].to_numpy())
    return slices_of(rows, spec.groups, found)


def _measured(
    slices: list[Slice],
    labels: NDArray[Any],
    scores: NDArray[np.float32],
    predicts: Predicts,
    digest: str,
) -> pa.Table:
    found = table_of(slices, labels, scores, predicts)
    model = pa.array([digest] * found.num_rows, pa.string())
    return found.add_column(0, SCHEMA.field("model"), model)
