"""Generated rows with numbers of every size, ids, and labels of every task that depend on both."""

import numpy as np

from mlplatform.train.data import Data
from mlplatform.train.task import Rows, Shape, Task

BINARY = Task("binary")
MULTICLASS = Task("multiclass", 3)
REGRESSION = Task("regression")
QUANTILES = Task("regression", 3, (0.1, 0.5, 0.9))
TASKS = (BINARY, MULTICLASS, REGRESSION, QUANTILES)
ID_SIZE = 40


def data(task: Task, vectors: int = 3, ids: int = 2, rows: int = 600, seed: int = 0) -> Data:
    """Return two thirds of the rows to train on and a third to validate, weighted from 0.5 to 1.5."""
    rng = np.random.default_rng(seed)
    numbers = rng.normal(size=(rows, vectors)) * 10.0 ** rng.integers(-2, 5, vectors)
    numbers[rng.random(numbers.shape) < 0.2] = 0
    known = rng.integers(0, ID_SIZE // 2, (rows, ids))  # Half of the ids have no row.
    effects = rng.normal(size=(ids, ID_SIZE))
    signal = np.tanh(numbers).sum(1) + effects[np.arange(ids), known].sum(1)
    noisy = signal + rng.normal(size=rows) / 2
    labels = {
        "binary": (noisy > 0).astype(np.float32),
        "multiclass": np.digitize(noisy, [-0.7, 0.7]).astype(np.int32),
        "regression": (100 + 10 * noisy).astype(np.float32),
    }[task.kind]
    whole = Rows(
        numbers.astype(np.float32),
        known.astype(np.int32),
        labels,
        rng.uniform(0.5, 1.5, rows).astype(np.float32),
    )
    cut = rows * 2 // 3
    return Data(
        Shape(vectors, (ID_SIZE,) * ids, task),
        Rows(*(array[:cut] for array in whole)),
        Rows(*(array[cut:] for array in whole)),
    )
