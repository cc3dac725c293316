"""Candidate and champion on the same rows: their metrics as a table, and their scores row by row."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from mlplatform.errors import CorruptionError, FeatureError, SourceError
from mlplatform.evaluate.metrics import binary
from mlplatform.evaluate.slices import ALL, SLICES_SCHEMA, by_group
from mlplatform.spec import PipelineSpec

SCHEMA = SLICES_SCHEMA.insert(0, pa.field("model", pa.string(), nullable=False))
SCORES = "scores.arrow"


class Predictor(Protocol):
    """A model artifact."""

    def predict_table(self, table: pa.Table) -> Any:
        """Return f32[rows], the probability of class 1."""


@dataclass(frozen=True, eq=False)
class Assessment:
    """What two models did on the same rows.

    Attributes:
        metrics: One row per (model, slice, metric), in `SCHEMA`; NaN of a model without scores.
        scores: `row_id`, `label` and one float32 column per model digest.
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

    One that is `dispensable` is left `unscored` where its files are not those of a model, or it does
    not fit the rows. A lake that cannot be read is no such reason: the next attempt may reach it.

    Raises:
        SourceError: If there is no row to judge by.
        CorruptionError, FeatureError: If a model that is not dispensable cannot be scored.
    """
    if not rows.num_rows:
        raise SourceError(f"{spec.name}: the test split has no rows, so no model can be judged")
    labels = class_of(spec, rows)
    columns: dict[str, Any] = {"row_id": rows["row_id"], "label": labels}
    tables, unscored = [], {}
    for digest, predictor in models.items():
        try:
            scores = np.asarray(predictor.predict_table(rows), dtype=np.float32)
        except (CorruptionError, FeatureError) as wrong:
            if digest not in dispensable:
                raise
            unscored[digest] = str(wrong)
            scores = np.full(rows.num_rows, np.nan, np.float32)
        columns[digest] = scores
        tables.append(_measured(spec, rows, labels, scores, digest))
    return Assessment(pa.concat_tables(tables), pa.table(columns), unscored)


def class_of(spec: PipelineSpec, rows: pa.Table) -> NDArray[np.int8]:
    """Return int8[rows]: 1 where the label is the positive class, else 0."""
    positive = pc.equal(rows[spec.label.column].cast(pa.string()), spec.label.positive)
    return np.asarray(positive.combine_chunks().to_numpy(zero_copy_only=False), dtype=np.int8)


def to_bytes(scores: pa.Table) -> bytes:
    """Return the scores as an Arrow file."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_file(sink, scores.schema) as writer:
        writer.write_table(scores.combine_chunks())
    return bytes(sink.getvalue())


def from_bytes(content: bytes) -> pa.Table:
    """Return the scores in an Arrow file."""
    return pa.ipc.open_file(pa.BufferReader(content)).read_all()


def _measured(
    spec: PipelineSpec,
    rows: pa.Table,
    labels: NDArray[np.int8],
    scores: NDArray[np.float32],
    digest: str,
) -> pa.Table:
    about = {"slice": ALL, "group": "", "value": "", "rows": rows.num_rows}
    found = binary(labels, scores)
    del found["rows"]
    overall = [{**about, "metric": name, "observed": value} for name, value in found.items()]
    slices = by_group(rows, spec.groups, labels, scores)
    slices = slices.filter(pc.not_equal(slices["group"], ""))
    both = pa.concat_tables([pa.Table.from_pylist(overall, schema=SLICES_SCHEMA), slices])
    model = pa.array([digest] * both.num_rows, pa.string())
    return both.add_column(0, SCHEMA.field("model"), model)
