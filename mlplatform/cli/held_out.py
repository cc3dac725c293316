"""Rows of the test split as a client would send them, and what was true of them."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import pyarrow.compute as pc

from mlplatform.spec import Pipeline

if TYPE_CHECKING:
    from mlplatform.lake import Lake

DECISION = 0.5  # Probability from which a row counts as the positive class.


def held_out_rows(
    lake: "Lake", pipeline: Pipeline, count: int
) -> tuple[list[dict[str, Any]], list[bool]]:
    """Return the first `count` test rows without the label, and whether each is of the positive class."""
    label = pipeline.spec.label
    split = lake.table(pipeline.table("split")).read()
    dataset = lake.table(pipeline.table("dataset")).read(columns=list(pipeline.spec.columns))
    test = dataset.filter(pc.equal(split["part"], "test")).slice(0, count)
    truth = pc.equal(test[label.column], label.positive).to_pylist()
    unused = [label.column, *pipeline.spec.unused]
    return test.drop_columns(unused).to_pylist(), truth


def right_answers(probabilities: Sequence[float], labels: Sequence[bool]) -> int:
    """Return how many decisions at `DECISION` were right."""
    return sum((p >= DECISION) == label for p, label in zip(probabilities, labels, strict=True))
