"""LightGBM as people use it: raw columns, its own categories, early stopping on validation rows."""

import lightgbm
import numpy as np
import optuna
import pyarrow as pa

from benchmarks.quality.contender import Contender, Predict, Problem, Settings

PATIENCE = 50  # Trees without a better validation loss.
OBJECTIVE = {"binary": "binary", "multiclass": "multiclass", "regression": "regression"}


class LightGBM(Contender):
    """Tuned over what its own guide names for accuracy and against over-fitting."""

    name = "lightgbm"
    defaults = {  # noqa: RUF012 - never changed
        "learning_rate": 0.05,
        "num_leaves": 31,
        "min_child_samples": 20,
        "colsample_bytree": 1.0,
        "subsample": 1.0,
        "reg_lambda": 1e-3,
    }
    trees = 2000

    def propose(self, trial: optuna.Trial, problem: Problem) -> Settings:
        """Return settings to try."""
        del problem
        return {
            "learning_rate": trial.suggest_float("learning_rate", 0.02, 0.2, log=True),
            "num_leaves": trial.suggest_int("num_leaves", 7, 127, log=True),
            "min_child_samples": trial.suggest_int("min_child_samples", 5, 200, log=True),
            "colsample_bytree": trial.suggest_float("colsample_bytree", 0.4, 1.0),
            "subsample": trial.suggest_float("subsample", 0.5, 1.0),
            "reg_lambda": trial.suggest_float("reg_lambda", 1e-3, 30.0, log=True),
        }

    def fit(self, problem: Problem, settings: Settings, seed: int) -> Predict:
        """Return what predicts with the best number of trees."""
        maker = Matrix(problem)
        data, held = (
            lightgbm.Dataset(
                maker(rows),
                problem.labels(rows),
                categorical_feature=maker.categorical,
                params={"verbose": -1},
            )
            for rows in (problem.parts.train, problem.parts.validation)
        )
        held.set_reference(data)
        stop = lightgbm.early_stopping(PATIENCE, verbose=False)
        fitted = lightgbm.train(
            _parameters(problem, settings, seed), data, self.trees, [held], callbacks=[stop]
        )
        return lambda rows: np.asarray(fitted.predict(maker(rows)))


class Matrix:
    """Rows as one matrix: numbers as they are, categories by number; one never seen is missing."""

    def __init__(self, problem: Problem) -> None:
        table, train = problem.table, problem.parts.train
        self._numbers, self._texts = table.numbers, table.categories
        self._known = {name: sorted(set(train[name].to_pylist())) for name in self._texts}
        first = len(self._numbers)
        self.categorical = list(range(first, first + len(self._texts)))

    def __call__(self, rows: pa.Table) -> np.ndarray:
        """Return f64[rows, columns]."""
        made = [np.asarray(rows[name].to_numpy(), float) for name in self._numbers]
        for name in self._texts:
            places = {value: float(at) for at, value in enumerate(self._known[name])}
            texts = rows[name].to_pylist()
            made.append(np.array([places.get(text, np.nan) for text in texts]))
        return np.column_stack(made)


def _parameters(problem: Problem, settings: Settings, seed: int) -> Settings:
    many = problem.table.task == "multiclass"
    return {
        **settings,
        "objective": OBJECTIVE[problem.table.task],
        "metric": "rmse" if problem.table.task == "regression" else "",
        "num_class": len(problem.classes) if many else 1,
        "subsample_freq": 1,
        "seed": seed,
        "deterministic": True,
        "force_row_wise": True,  # As `deterministic` asks for.
        "verbose": -1,
    }
