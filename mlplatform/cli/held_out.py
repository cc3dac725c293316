"""Rows of the test split as a client would send them, and how the answers to them were."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from mlplatform.evaluate.tasks import correct, measured
from mlplatform.features.labels import truth
from mlplatform.features.predicts import Predicts
from mlplatform.ingest.split import TEST, rows_of
from mlplatform.spec import Pipeline

if TYPE_CHECKING:
    from mlplatform.lake import Lake


def held_out_rows(
    lake: "Lake", pipeline: Pipeline, count: int
) -> tuple[list[dict[str, Any]], np.ndarray]:
    """Return the first `count` test rows, and the label of each as `features.labels.truth`."""
    dataset, split = (lake.table(pipeline.table(noun)).read() for noun in ("dataset", "split"))
    test = rows_of(TEST, dataset, split).slice(0, count)
    return test.select(list(pipeline.spec.columns)).to_pylist(), truth(pipeline.spec.label, test)


def how_right(pipeline: Pipeline, answers: Sequence[Any], labels: np.ndarray) -> str:
    """Return how good the answers were, in words: rows that are right, or the mean error of numbers."""
    predicts, rows = Predicts.of(pipeline.spec.label), f"{len(labels):,} held-out rows"
    if predicts.task != "regression":
        return f"{int(np.nansum(correct(predicts, labels, answers))):,} of {rows} right"
    metrics = measured(predicts, labels, answers)
    name = "pinball" if predicts.quantiles else "mae"
    said = {"pinball": "mean pinball loss", "mae": "mean absolute error"}[name]
    return f"{said} {metrics[name]:.4g} over {rows}"
