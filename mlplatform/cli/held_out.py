"""Rows of the test split as a client would send them, and what was true of them."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from mlplatform.evaluate.assessment import class_of
from mlplatform.evaluate.metrics import THRESHOLD
from mlplatform.ingest.split import TEST, rows_of
from mlplatform.spec import Pipeline

if TYPE_CHECKING:
    from mlplatform.lake import Lake


def held_out_rows(
    lake: "Lake", pipeline: Pipeline, count: int
) -> tuple[list[dict[str, Any]], list[bool]]:
    """Return the first `count` test rows, and whether each is of the positive class."""
    dataset, split = (lake.table(pipeline.table(noun)).read() for noun in ("dataset", "split"))
    test = rows_of(TEST, dataset, split).slice(0, count)
    truth = class_of(pipeline.spec, test).astype(bool).tolist()
    return test.select(list(pipeline.spec.columns)).to_pylist(), truth


def right_answers(probabilities: Sequence[float], labels: Sequence[bool]) -> int:
    """Return how many decisions at the metrics' threshold were right."""
    return sum((p >= THRESHOLD) == label for p, label in zip(probabilities, labels, strict=True))
