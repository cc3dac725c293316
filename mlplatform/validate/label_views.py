"""A label of several classes, or a number, as labels of two: one class or not, above the median or not.

What one column tells of them is counted in a sample of rows, once for each; of two classes the pass
over all rows has counted it already.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mlplatform.spec import PipelineSpec
from mlplatform.spec.label import Label
from mlplatform.validate.leakage import POSITIVE, candidates
from mlplatform.validate.scan import Plan, View, scan

ROWS = 200_000  # An AUC of so many rows is known to 0.003.
CLASSES = 20  # The most frequent are looked at: a pass each.
SEED = 0  # Of the sample: the same rows give the same answer.
TRUE = "true"


@dataclass(frozen=True)
class LabelView:
    """Rows by one question about their label, and what those are of which it is true, in words."""

    view: View
    what: str = POSITIVE


def is_counted_apart(label: Label) -> bool:
    """Whether what columns tell of this label needs a sample of rows."""
    return bool(label.column) and label.task != "binary"


def sample(
    batches: Iterable[pa.RecordBatch], spec: PipelineSpec, rows: int, most: int = ROWS
) -> pa.Table:
    """Return about `most` of `rows` rows, taken by chance, with their label and what features may read."""
    names = [*candidates(spec), spec.label.column]
    share, dice = most / max(rows, 1), np.random.default_rng(SEED)
    kept = []
    for batch in batches:
        found = batch.select(names)
        if share < 1:
            found = found.filter(pa.array(dice.random(found.num_rows) < share))
        kept.append(found)
    return pa.Table.from_batches(kept) if kept else pa.table({})


def label_views(spec: PipelineSpec, rows: pa.Table) -> list[LabelView]:
    """Return the rows by each question about their label; none where no row has one."""
    if not rows.num_rows or rows[spec.label.column].null_count == rows.num_rows:
        return []
    if spec.label.task == "regression":
        return [
            LabelView(_view(spec, rows, _above_median(rows[spec.label.column])), "above the median")
        ]
    texts = rows[spec.label.column].cast(pa.string())
    counted = sorted(pc.value_counts(texts.drop_null()).to_pylist(), key=lambda one: -one["counts"])
    names = [one["values"] for one in counted[:CLASSES]]
    return [
        LabelView(_view(spec, rows, pc.equal(texts, name)), f"of class {name}") for name in names
    ]


def _above_median(numbers: pa.ChunkedArray) -> pa.ChunkedArray:
    """Where more than half the rows share the largest number, those at it are above."""
    values = numbers.cast(pa.float64())
    middle = pa.scalar(float(np.nanmedian(values.drop_null().to_numpy())))
    above = pc.greater(values, middle)
    return above if pc.any(above).as_py() else pc.greater_equal(values, middle)


def _view(spec: PipelineSpec, rows: pa.Table, answer: pa.ChunkedArray) -> View:
    label = spec.label.column
    asked = rows.set_column(rows.schema.get_field_index(label), label, answer)
    columns = {**{name: spec.columns[name] for name in candidates(spec)}, label: "bool"}
    plan = Plan(columns=columns, label=label, positive=TRUE, correlations=False, duplicates=False)
    return scan(asked.to_batches(), plan).view()
