"""Fits trees as networks are fitted: within a budget, with somebody told how far it is."""

import time
from dataclasses import replace

from mlplatform.errors import TrainingError
from mlplatform.spec import Pipeline
from mlplatform.spec.families import Gbdt
from mlplatform.train.around import Around
from mlplatform.train.budget import Meter
from mlplatform.train.data import Data
from mlplatform.train.fitted import Fitted
from mlplatform.train.gbdt import fit_gbdt
from mlplatform.train.progress import Pace
from mlplatform.train.stream import Streamed


def fit_trees(pipeline: Pipeline, data: Data | Streamed, model: Gbdt, around: Around) -> Fitted:
    """Return trees fitted to the training rows; a step of the budget is a tree.

    They keep no checkpoint: a killed training begins again, and ends in the same trees.

    Raises:
        TrainingError: If the rows stream, LightGBM is not installed or finds no split, or a loss is
            not finite.
    """
    if isinstance(data, Streamed):
        raise TrainingError(f"{pipeline.name}: trees need all rows in memory; they cannot stream")
    meter = Meter(around.budget, devices=1)
    pace = Pace.start(epochs=model.trees, rows=data.rows, steps=1, epoch=0, now=time.monotonic())

    def on_round(number: int, losses: dict[str, float]) -> str | None:
        nonlocal pace
        pace = pace.mark(number, time.monotonic())
        around.on_epoch(pace.progress(losses))
        return meter.reached(number)

    try:
        found = fit_gbdt(data, model, on_round)
    except TrainingError as wrong:
        raise TrainingError(f"{pipeline.name}: {wrong}") from None
    return replace(found, spent=meter.spent(int(found.spent["steps"])).notes())
