"""Our trainer on the rows that the peers have, called as a pipeline calls it."""

import time
from pathlib import Path
from typing import Any

import numpy as np

from mlplatform.spec import Pipeline, PipelineSpec
from mlplatform.spec.families import MODEL
from mlplatform.train.calibrate import predictions
from mlplatform.train.data import Data
from mlplatform.train.fit import fit_data
from mlplatform.train.measure import auc
from mlplatform.train.task import Rows, Shape, Task

HELD_OUT = (
    2_048  # Test rows that stand in for validation: the trainer measures some after each epoch.
)
SPEC = {
    "name": "adult_speed",
    "source": {"kind": "parquet", "files": ["rows.parquet"]},
    "columns": {"x": "float64", "y": "string"},
    "label": {"column": "y", "positive": "1"},
}
SPACE = {
    "learning_rate": {"low": 3e-4, "high": 1e-2, "log": True},
    "weight_decay": {"low": 1e-6, "high": 1e-2, "log": True},
}


class Ours:
    """The trainer, warm after the first call.

    Args:
        rows: As `benchmarks.speed.rows` gives them.
    """

    def __init__(self, rows: dict[str, np.ndarray]) -> None:
        self.pipeline = Pipeline(PipelineSpec.model_validate(SPEC), Path())
        self._test = _rows(rows["test_x"], rows["test_y"])
        held = _rows(rows["test_x"][:HELD_OUT], rows["test_y"][:HELD_OUT])
        shape = Shape(rows["x"].shape[1], (), Task("binary"))
        self.data = Data(shape, _rows(rows["x"], rows["y"]), held)

    def train(self, how: dict[str, Any]) -> dict[str, float]:
        """Return seconds and test AUC of one training."""
        started = time.perf_counter()
        fitted = fit_data(self.pipeline, self.data, model(how)).fitted
        seconds = time.perf_counter() - started
        found = predictions(fitted, self._test)
        return {"seconds": seconds, "auc": float(auc(found, self._test.labels))}

    def study(self, how: dict[str, Any], trials: int, pruner: str) -> tuple[float, Any]:
        """Return the seconds of a study and the study: rates and decays, by validation AUC."""
        from mlplatform.tune.study import search  # Here: a cold training must not pay for Optuna.

        tuning = {"trials": trials, "pruner": pruner, "metric": "auc", "space": SPACE}
        spec = PipelineSpec.model_validate(SPEC | {"model": model(how), "tuning": tuning})
        started = time.perf_counter()
        found = search(Pipeline(spec, Path()), self.data)
        return time.perf_counter() - started, found


def model(how: dict[str, Any]) -> Any:
    """Return the model section that trains as the peers do: nothing dropped, a constant rate, f32."""
    plain = {
        "dropout": 0.0,
        "schedule": "constant_schedule",
        "warmup_epochs": 0,
        "precision": "float32",
    }
    return MODEL.validate_python({"family": "mlp"} | plain | how)


def _rows(x: np.ndarray, y: np.ndarray) -> Rows:
    ids = np.zeros((len(x), 0), np.int32)
    return Rows(x, ids, y.astype(np.float32), np.ones(len(x), np.float32))
