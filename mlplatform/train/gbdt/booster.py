"""LightGBM, kept deterministic: boosters that grow a tree at a time, one for each number to predict."""

import os
from types import ModuleType
from typing import Any

import numpy as np

from mlplatform.errors import TrainingError
from mlplatform.spec.families import Gbdt
from mlplatform.train.data import Data
from mlplatform.train.gbdt.trees import Tree, trees
from mlplatform.train.reproducible import streams
from mlplatform.train.task import Rows, Task

EXACT = 1 << 24  # f32 holds every whole number up to here, so smaller ids may lie beside features.
VALUES_A_THREAD = 2_000_000  # A thread with less to do spins longer than it works.
OBJECTIVES = {
    "binary": {"objective": "binary", "metric": "binary_logloss"},
    "multiclass": {"objective": "multiclass", "metric": "multi_logloss"},
    "regression": {"objective": "regression", "metric": "rmse"},
}


def lightgbm() -> ModuleType:
    """Return LightGBM.

    Raises:
        TrainingError: If it is not installed, or cannot be loaded.
    """
    try:
        import lightgbm
    except (ImportError, OSError) as missing:  # OSError: its shared library lacks libgomp.
        raise TrainingError(
            f"gradient-boosted trees need LightGBM: pip install 'mlplatform[gbdt]' ({missing})"
        ) from None
    return lightgbm


class Boosters:
    """One booster for a mean or for classes, or one a quantile; all grow by a tree a round.

    Equal inputs give equal trees, whatever the number of threads.
    """

    def __init__(self, data: Data, model: Gbdt, threads: int | None = None) -> None:
        """Bin the rows.

        Args:
            data: Training and validation rows.
            model: How trees are grown.
            threads: As many as there are cores and enough to do for, by default.
        """
        self.task = data.shape.task
        shared = _settings(model, self.task) | {"num_threads": threads or _threads(data)}
        library = lightgbm()
        train = _dataset(library, data, data.train, shared)
        validation = _dataset(library, data, data.validation, shared, train)
        objectives = [{"alpha": quantile} for quantile in self.task.quantiles] or [{}]
        self._boosters = [library.Booster(shared | own, train) for own in objectives]
        for booster in self._boosters:
            booster.add_valid(validation, "validation")
        self._growing = list(self._boosters)

    def grow(self) -> bool:
        """Add a tree to each booster that still finds a split, and return whether one did."""
        self._growing = [booster for booster in self._growing if not booster.update()]
        return bool(self._growing)

    def losses(self) -> dict[str, float]:
        """Return the loss on either part, by the rows' weights; of quantiles the mean."""
        evaluated = [(b.eval_train()[0][2], b.eval_valid()[0][2]) for b in self._boosters]
        train, validation = np.mean(evaluated, axis=0).tolist()
        return {"train_loss": train, "validation_loss": validation}

    def trees(self, rounds: int) -> list[list[Tree]]:
        """Return the trees of the first rounds, by output."""
        grown = [trees(booster.model_to_string(num_iteration=rounds)) for booster in self._boosters]
        if self.task.kind == "multiclass":
            return [grown[0][at :: self.task.outputs] for at in range(self.task.outputs)]
        return grown


def _settings(model: Gbdt, task: Task) -> dict[str, Any]:
    """Return LightGBM's parameters.

    Histograms are made by columns: by rows, trees were seen to differ between two threads and
    three, in spite of `deterministic`.
    """
    return {
        **OBJECTIVES[task.kind],
        **({"objective": "quantile", "metric": "quantile"} if task.quantiles else {}),
        **({"num_class": task.outputs} if task.kind == "multiclass" else {}),
        "num_leaves": model.leaves,
        "learning_rate": model.learning_rate,
        "min_data_in_leaf": model.min_rows_a_leaf,
        "feature_fraction": model.feature_share,
        "bagging_fraction": model.row_share,
        "bagging_freq": int(model.row_share < 1),
        "lambda_l1": model.l1,
        "lambda_l2": model.l2,
        "seed": int(streams(model.seed).trees >> 1),
        "deterministic": True,
        "force_col_wise": True,
        "use_missing": False,  # Features have no NaN; one that is handed in is read as 0.
        "verbosity": -1,
    }


def _dataset(
    library: ModuleType, data: Data, rows: Rows, params: dict[str, Any], bins: Any = None
) -> Any:
    """Return rows as LightGBM takes them, ids as categories after the numbers."""
    wide = max(data.shape.ids, default=0) > EXACT
    matrix = np.concatenate(
        [rows.vectors, rows.ids], axis=1, dtype=np.float64 if wide else np.float32
    )
    return library.Dataset(
        matrix,
        label=rows.labels,
        weight=rows.weights,
        reference=bins,
        categorical_feature=list(range(data.shape.vectors, matrix.shape[1])),
        params=params,
    )


def _threads(data: Data) -> int:
    import psutil

    cores = min(psutil.cpu_count(logical=False) or 1, len(os.sched_getaffinity(0)))
    values = len(data.train.labels) * (data.shape.vectors + len(data.shape.ids))
    return min(cores, 1 + values // VALUES_A_THREAD)
