"""A study: settings of a model tried by Optuna, those of one shape by one compiled program."""

import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

import optuna
import pyarrow as pa

from mlplatform.errors import SpecError, TrainingError
from mlplatform.spec import Pipeline
from mlplatform.spec.space import metrics_of, space_of, with_values
from mlplatform.train.data import Data
from mlplatform.train.fit import Model
from mlplatform.tune import best, engine, record
from mlplatform.tune.around import Surroundings
from mlplatform.tune.asking import asking
from mlplatform.tune.batch import Batches
from mlplatform.tune.importance import importances
from mlplatform.tune.ready import require_known
from mlplatform.tune.record import Record


@dataclass(frozen=True, kw_only=True)
class Study:
    """A study that is over.

    Attributes:
        best: The model of the best trial.
        best_trial: Its number.
        searched: The fields, by dotted paths: columns of `trials`.
        trials: One row a trial, in the order they were asked for; see `record.schema`.
        records: The same as values.
        metric: What was optimised, and `direction`: minimize or maximize.
        importances: Each field's share of what decides the metric, the largest first.
        stopped_by: The budget that ended it, in words; empty where it ended by itself.
        notes: What was done otherwise than asked, a sentence each.
        spent: What all trials used up.
    """

    best: Model
    best_trial: int
    searched: tuple[str, ...]
    trials: pa.Table
    records: Sequence[Record]
    metric: str
    direction: str
    importances: Mapping[str, float]
    stopped_by: str = ""
    notes: tuple[str, ...] = ()
    spent: dict[str, float] = field(default_factory=dict)


def search(
    pipeline: Pipeline,
    data: Data,
    around: Surroundings | None = None,
    replay: pa.Table | None = None,
) -> Study:
    """Return the study of the spec's `tuning`, over training and validation rows.

    Trials are asked and told in batches in the order of their numbers, from one process and one seed,
    so that equal inputs make equal studies; one that was killed goes on where it was. In a storage
    that processes share neither holds: they divide the trials, and each returns all.

    Args:
        pipeline: Says what to search (`tuning`), from which model (`model`), within which `budget`.
        data: The rows.
        around: Where the study is kept and who is told.
        replay: The table of an equal study, whose trials are taken as they are there.

    Raises:
        SpecError: If no trials are wanted, or an optimiser or schedule to try is unknown.
        TrainingError: If every trial failed, or the storage cannot be used.
        PreemptedError: If the process was asked to end; the same call goes on.
    """
    around = around or Surroundings()
    tuning, model = pipeline.spec.tuning, pipeline.spec.model
    if not tuning.trials:
        where = f"{pipeline.folder / 'defs.yaml'}: tuning"
        raise SpecError(f"{where}.trials is 0; set the number of trials to run")
    require_known(pipeline)
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    space = engine.distributions(model, space_of(model, tuning))
    notes: list[str] = []

    def note(sentence: str) -> None:
        notes.append(sentence)
        around.on_note(f"{pipeline.name}: {sentence}")

    with _quiet_optuna(), ExitStack() as held:
        asked = asking(pipeline, space, around, replay, held, note)
        batches = Batches(pipeline, data, asked, around, note)
        batches.run()
        found = asked.ledger.records() + batches.cut
    chosen = _chosen(pipeline, found, asked.metric, asked.direction, batches.stopped_by)
    wanted = engine.values_of(space_of(model, tuning), chosen.params)
    return Study(
        best=with_values(model, wanted),
        best_trial=chosen.number,
        searched=tuple(space),
        records=tuple(found),
        trials=record.table(found, space, list(metrics_of(pipeline.spec.label))),
        metric=asked.metric,
        direction=asked.direction,
        importances=importances(found, space, asked.metric, asked.direction),
        stopped_by=batches.stopped_by,
        notes=tuple(notes),
        spent=batches.spent.notes(),
    )


def _chosen(
    pipeline: Pipeline, found: Sequence[Record], metric: str, direction: str, stopped_by: str
) -> Record:
    chosen = best.chosen(found, metric, direction)
    if chosen is not None:
        return chosen
    last = next((one.failure for one in reversed(found) if one.state == "failed"), None)
    if last is None:
        raise TrainingError(f"{pipeline.name}: {stopped_by} before a trial had an epoch; raise it")
    raise TrainingError(f"{pipeline.name}: every trial failed; the last: {last}")


@contextmanager
def _quiet_optuna() -> Iterator[None]:
    """Let Optuna tell its warnings to nobody: what is experimental there is pinned and tested here."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        yield
