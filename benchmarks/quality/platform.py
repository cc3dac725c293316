"""Our families, through the same calls as a pipeline: features fitted on training rows, then the trainer."""

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import pyarrow as pa

from benchmarks.quality.contender import Contender, Predict, Problem, Settings
from benchmarks.tables import TABLES
from mlplatform.features import Categorical, FeatureSet, Numeric
from mlplatform.features.batch_function import BatchFunction
from mlplatform.features.encoder import Encoder
from mlplatform.features.feature_program import FeatureProgram, export_features
from mlplatform.features.fitting import fit as fit_features
from mlplatform.features.table import arrays, build
from mlplatform.spec import Pipeline, PipelineSpec
from mlplatform.spec.families import MODEL
from mlplatform.train.calibrate import predictions
from mlplatform.train.data import Data, prepare
from mlplatform.train.fit import fit_data
from mlplatform.train.task import Rows

EXAMPLES = 450_000  # That a network is trained on: few rows are seen more often.
EPOCHS = (6, 80)  # At least and at most.
FEW_ROWS = 25_000  # Up to which a network twice as wide is tried too: it takes four times as long.
DEFAULTS: dict[str, Settings] = {  # Of the first trial, where they are not the spec's.
    "gbdt": {"trees": 2000},  # At most, as of LightGBM itself; early stopping ends them.
    "tabm": {"learning_rate": 3e-3},
}
LINEAR_BINS = 24  # Of a number in a linear model: within each the slope is another.


class Ours(Contender):
    """A family of the spec."""

    def __init__(self, family: str, defaults: Settings | None = None) -> None:
        self.name = family
        self.defaults = defaults or DEFAULTS.get(family, {})

    def propose(self, trial: optuna.Trial, problem: Problem) -> Settings:
        """Return settings to try."""
        return SPACES[self.name](trial, problem.parts.train.num_rows)

    def fit(self, problem: Problem, settings: Settings, seed: int) -> Predict:
        """Return what predicts with the best epoch's parameters, or the best number of trees."""
        made = features(problem.table.name, LINEAR_BINS if self.name == "linear" else None)
        model = MODEL.validate_python(asked(self.name, settings, len(made.data.train.labels), seed))
        fitted = fit_data(made.pipeline, made.data, model).fitted
        return lambda rows: np.asarray(predictions(fitted, made.rows(rows)))


def asked(family: str, settings: Settings, rows: int, seed: int) -> dict[str, Any]:
    """Return the model section of a spec."""
    if family == "blend":
        members = {
            name: asked(name, member, rows, seed) for name, member in settings["members"].items()
        }
        return {"family": family, "members": members, "weights": settings["weights"]}
    epochs = {} if family == "gbdt" else {"epochs": epochs_for(rows)}
    return {**epochs, **settings, "family": family, "seed": seed}


def epochs_for(rows: int) -> int:
    """Return how often a network sees each row."""
    return min(max(EXAMPLES // rows, EPOCHS[0]), EPOCHS[1])


def _network(trial: optuna.Trial, most_dropout: float = 0.4) -> Settings:
    return {
        "learning_rate": trial.suggest_float("learning_rate", 5e-4, 1e-2, log=True),
        "weight_decay": trial.suggest_float("weight_decay", 1e-5, 0.3, log=True),
        **({"dropout": trial.suggest_float("dropout", 0, most_dropout)} if most_dropout else {}),
    }


def _linear(trial: optuna.Trial, rows: int) -> Settings:
    del rows
    return _network(trial, most_dropout=0)


def _mlp(trial: optuna.Trial, rows: int) -> Settings:
    del rows
    embedded = trial.suggest_categorical("numeric", [True, False])
    width = trial.suggest_categorical("hidden", [128, 256])
    numeric = {"kind": "piecewise_linear"} if embedded else None
    return {**_network(trial), "numeric": numeric, "hidden": [width, width // 2]}


def _tabm(trial: optuna.Trial, rows: int) -> Settings:
    bins = trial.suggest_categorical("bins", [32, 96])
    width = trial.suggest_categorical("hidden", [128, 256]) if rows <= FEW_ROWS else 128
    return {**_network(trial), "numeric": {"bins": bins}, "hidden": [width, width]}


def _gbdt(trial: optuna.Trial, rows: int) -> Settings:
    """The space of LightGBM itself, by the spec's names."""
    del rows
    return {
        **DEFAULTS["gbdt"],
        "learning_rate": trial.suggest_float("learning_rate", 0.02, 0.2, log=True),
        "leaves": trial.suggest_int("leaves", 7, 127, log=True),
        "min_rows_a_leaf": trial.suggest_int("min_rows_a_leaf", 5, 200, log=True),
        "feature_share": trial.suggest_float("feature_share", 0.4, 1.0),
        "row_share": trial.suggest_float("row_share", 0.5, 1.0),
        "l2": trial.suggest_float("l2", 1e-3, 30.0, log=True),
    }


SPACES = {"linear": _linear, "mlp": _mlp, "tabm": _tabm, "gbdt": _gbdt}


class Features:
    """A table's features, fitted on its training rows; `table` has those and the validation rows."""

    def __init__(self, problem: Problem, bins: int | None) -> None:
        self.pipeline = Pipeline(_spec(problem), Path())
        columns = self.pipeline.spec.columns
        declared = FeatureSet(
            [
                *(Numeric(name, bins=bins) for name in problem.table.numbers),
                *(Categorical(name) for name in problem.table.categories),
                *(Categorical(f"{name}_value", column=f"{name}_text", min_count=5)
                  for name in problem.table.also),
            ]
        )  # fmt: skip
        self._problem = problem
        self.encoder: Encoder = fit_features(
            declared, self._raw(problem.parts.train).to_batches(), columns
        )
        self.program = FeatureProgram.load(export_features(self.encoder, {}), self.encoder)
        self.table = self._both()
        self.data: Data = prepare(self.pipeline, self.table, self.encoder)

    def rows(self, rows: pa.Table) -> Rows:
        """Return the features of any rows; labels are zero."""
        function = BatchFunction(self.encoder, self.program)
        made = pa.Table.from_batches(map(function, self._raw(rows).to_batches()))
        zeros = pa.array(np.zeros(rows.num_rows, np.float32))
        return Rows(*arrays(made.append_column("label", zeros), self.encoder))

    def _both(self) -> pa.Table:
        """Return the `features` table of training and validation rows."""
        parts = {"train": self._problem.parts.train, "validation": self._problem.parts.validation}
        numbers = np.arange(sum(rows.num_rows for rows in parts.values()))
        ids = pa.array(numbers)
        named = [name for name, rows in parts.items() for _ in range(rows.num_rows)]
        rows = pa.concat_tables([self._raw(rows) for rows in parts.values()]).combine_chunks()
        dataset = rows.append_column("row_id", ids).to_batches()
        split = pa.table({"row_id": ids, "part": named}).to_batches()
        return build(self.pipeline, self.encoder, self.program, dataset, split).read_all()

    def _raw(self, rows: pa.Table) -> pa.Table:
        """Return rows with the numbers that are categories too as text, and classes by name."""
        for name in self._problem.table.also:
            texts = [f"{value:g}" for value in rows[name].to_pylist()]
            rows = rows.append_column(f"{name}_text", pa.array(texts))
        return rows.combine_chunks()


@cache
def features(table: str, bins: int | None) -> Features:
    """Return the features of a table by name, computed once."""
    known = TABLES[table]
    return Features(Problem(known, known.load()), bins)


def _spec(problem: Problem) -> PipelineSpec:
    table = problem.table
    label: dict[str, Any] = {"column": table.label, "task": table.task}
    if table.task == "binary":
        label["positive"] = "1"
    if table.task == "multiclass":
        label["classes"] = problem.classes
    texts = (*table.categories, *(f"{name}_text" for name in table.also))
    kind = "float64" if table.task == "regression" else "string"
    columns = dict.fromkeys(table.numbers, "float64") | dict.fromkeys(texts, "string")
    return PipelineSpec.model_validate(
        {
            "name": table.name,
            "source": {"kind": "parquet", "files": ["rows.parquet"]},
            "columns": columns | {table.label: kind},
            "label": label,
        }
    )
