"""What three lines of LightGBM reach on the same rows: whether another model was worth its training."""

import numpy as np

from mlplatform.errors import TrainingError
from mlplatform.spec.families import Gbdt
from mlplatform.train.calibrate import predictions
from mlplatform.train.data import Data
from mlplatform.train.gbdt import fit_gbdt
from mlplatform.train.measure import measure
from mlplatform.train.stream import Streamed


def baseline(data: Data | Streamed, seed: int = 0) -> dict[str, float] | None:
    """Return the metrics on validation rows of 100 trees of 31 leaves, the loss named as `Task.metric`.

    None where LightGBM is not installed, cannot split rows as few as these, or could not hold them in
    memory, for they stream.
    """
    if isinstance(data, Streamed):
        return None
    cheap = Gbdt(trees=100, leaves=31, learning_rate=0.1, early_stopping=None, seed=seed)
    try:
        fitted = fit_gbdt(data, cheap)
    except TrainingError:
        return None
    rows = data.validation
    measured = measure(fitted.task, predictions(fitted, rows), rows)
    named = {fitted.task.metric if n == "loss" else n: value for n, value in measured.items()}
    return {name: float(np.asarray(value)) for name, value in named.items()}
