"""A study: trials of hyper-parameters by Optuna, all trained by one compiled program."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import optuna
import pyarrow as pa

from mlplatform.errors import SpecError, TrainingError
from mlplatform.features.encoder import Encoder
from mlplatform.spec import Pipeline
from mlplatform.spec.model import Model, Tuning
from mlplatform.train.data import Data, prepare
from mlplatform.train.fit import Trained, fit_data

Metric = Literal["log_loss", "auc"]
DIRECTION: dict[Metric, Literal["minimize", "maximize"]] = {
    "log_loss": "minimize",
    "auc": "maximize",
}
SEARCHED = ("learning_rate", "weight_decay", "dropout")  # Traced arguments of the trainer.

TRIALS = pa.schema(
    [
        ("trial", pa.int32()),
        *((name, pa.float64()) for name in SEARCHED),
        ("best_epoch", pa.int32()),
        ("validation_log_loss", pa.float64()),
        ("validation_auc", pa.float64()),
        ("validation_accuracy", pa.float64()),
        ("failure", pa.string()),
    ]
)


@dataclass(frozen=True)
class Study:
    """The best model found, and one row a trial in the order they were asked for."""

    best: Model
    trials: pa.Table


def search(
    pipeline: Pipeline,
    features: pa.Table,
    encoder: Encoder,
    storage_url: str | None = None,
    *,
    metric: Metric = "log_loss",
    on_trial: Callable[[int, Trained], None] | None = None,
) -> Study:
    """Return the best of the spec's `tuning.trials` models by a metric of the validation rows.

    Trials are asked and told one after the other from one seeded sampler, so equal inputs replay
    the same study bit for bit; one already stored under the pipeline's name is therefore replaced.

    Args:
        pipeline: Says what to search (`tuning`) and from which model (`model`).
        features: A `features` table; its test rows are not read.
        encoder: What the table was built with.
        storage_url: Optuna's storage, such as sqlite:///study.db; in memory if left out.
        metric: What is optimised.
        on_trial: Called with number and model of each trial that trained.

    Raises:
        SpecError: If no trials are wanted, or a range has its ends the wrong way round.
        TrainingError: If the rows cannot be learnt from, no trial gave a finite loss, or the
            storage cannot be used.
    """
    tuning = pipeline.spec.tuning
    _check(pipeline, tuning)
    data = prepare(pipeline, features, encoder)
    study = _opened(pipeline.name, storage_url, tuning, metric)
    rows = []
    for _ in range(tuning.trials):
        trial = study.ask(_space(tuning))
        model = pipeline.spec.model.model_copy(update=trial.params)
        row, trained = _attempt(pipeline, data, encoder, model)
        _tell(study, trial, None if trained is None else trained.validation[metric])
        rows.append({"trial": trial.number, **trial.params, **row})
        if on_trial and trained:
            on_trial(trial.number, trained)
    if all(row["failure"] for row in rows):
        raise TrainingError(f"{pipeline.name}: every trial failed; the last: {rows[-1]['failure']}")
    best = pipeline.spec.model.model_copy(update=study.best_params)
    return Study(best, pa.Table.from_pylist(rows, schema=TRIALS))


def _attempt(
    pipeline: Pipeline, data: Data, encoder: Encoder, model: Model
) -> tuple[dict[str, object], Trained | None]:
    """Return a trial's measurements and its model; a loss that is not finite is an outcome too."""
    try:
        trained = fit_data(pipeline, data, encoder, model)
    except TrainingError as wrong:
        return {"failure": str(wrong)}, None
    metrics = {f"validation_{name}": value for name, value in trained.validation.items()}
    return {"best_epoch": trained.best_epoch, **metrics, "failure": None}, trained


def _tell(study: optuna.Study, trial: optuna.Trial, value: float | None) -> None:
    if value is None or not math.isfinite(value):
        study.tell(trial, state=optuna.trial.TrialState.FAIL)
    else:
        study.tell(trial, value)


def _opened(name: str, storage_url: str | None, tuning: Tuning, metric: Metric) -> optuna.Study:
    try:
        return _study(name, storage_url, tuning, metric)
    except Exception as wrong:  # SQLAlchemy and each driver below it raise their own kinds.
        first = (str(wrong).splitlines() or [""])[0]
        # The URL may hold a password, so it is not repeated.
        raise TrainingError(f"{name}: the study's storage cannot be used: {first}") from None


def _study(name: str, storage_url: str | None, tuning: Tuning, metric: Metric) -> optuna.Study:
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    if storage_url and name in optuna.get_all_study_names(storage_url):
        optuna.delete_study(study_name=name, storage=storage_url)
    sampler = optuna.samplers.TPESampler(seed=tuning.seed)
    return optuna.create_study(
        study_name=name, storage=storage_url, sampler=sampler, direction=DIRECTION[metric]
    )


def _space(tuning: Tuning) -> dict[str, optuna.distributions.BaseDistribution]:
    """Return the distributions to sample: rates on a logarithmic scale, unless from zero."""
    space: dict[str, optuna.distributions.BaseDistribution] = {}
    for name in SEARCHED:
        low, high = getattr(tuning, name)
        log = low > 0 and name != "dropout"
        space[name] = optuna.distributions.FloatDistribution(low, high, log=log)
    return space


def _check(pipeline: Pipeline, tuning: Tuning) -> None:
    where = f"{pipeline.folder / 'defs.yaml'}: tuning"
    if not tuning.trials:
        raise SpecError(f"{where}.trials is 0; set the number of trials to run")
    for name in SEARCHED:
        low, high = getattr(tuning, name)
        if low > high or low < 0:
            raise SpecError(f"{where}.{name}: [{low:g}, {high:g}] holds nothing to try")
        if name == "learning_rate" and not low:
            raise SpecError(f"{where}.{name}: its lower end must be above 0")
