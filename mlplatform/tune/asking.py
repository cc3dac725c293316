"""How a study's trials are asked for: from memory and one seed, or from a storage that processes share."""

import hashlib
import json
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

import optuna
import pyarrow as pa

from mlplatform.spec import Pipeline
from mlplatform.spec.families import Network
from mlplatform.spec.space import metrics_of
from mlplatform.train.budget import Spent
from mlplatform.train.reproducible import streams
from mlplatform.tune import engine, record, storage
from mlplatform.tune.around import Surroundings
from mlplatform.tune.engine import Space
from mlplatform.tune.ledger import Ledger, Replayed

IDENTITY_SHOWN = 16  # Hex digits in a study's name.
ASKING = {
    "trials",
    "storage",
}  # Settings that change no trial: more of them go on with the same study.


@dataclass(frozen=True, kw_only=True)
class Asking:
    """Where trials come from.

    Attributes:
        ledger: Asks and is told.
        metric: What is optimised.
        direction: minimize or maximize.
        wanted: How many trials.
        already: What earlier processes spent on them, where the ledger does not know.
        keeps: Whether a process that is ended loses no trial that is over.
    """

    ledger: Ledger
    metric: str
    direction: str
    wanted: int
    already: Spent | None
    keeps: bool


def asking(
    pipeline: Pipeline,
    space: Space,
    around: Surroundings,
    replay: pa.Table | None,
    held: ExitStack,
    note: Callable[[str], None],
) -> Asking:
    """Return where the trials of the spec's study come from; what it opens is closed by `held`.

    Raises:
        TrainingError: If the storage cannot be used, or another process is at the study.
    """
    tuning, metrics = pipeline.spec.tuning, metrics_of(pipeline.spec.label)
    metric = tuning.metric or next(iter(metrics))
    wanted = engine.most(tuning, space)
    if wanted < tuning.trials:
        note(f"the grid has {wanted} points: {wanted} trials and not {tuning.trials}")
    how: dict[str, Any] = {"direction": metrics[metric], "pruner": _pruner(pipeline)}
    name, already, kept = f"{pipeline.name}-{identity(pipeline, around)}", None, None
    if tuning.storage != "sqlite":
        from mlplatform.tune.shared import Shared

        note(
            "processes may share this study; which sees whose trials is chance, so none replays it"
        )
        how["sampler"] = engine.sampler(tuning, None, space)
        stored = storage.opened(tuning.storage, name, around, **how)
        ledger: Ledger = Shared(stored, space, wanted, note)
    else:
        known = record.records(replay, space) if replay is not None else []
        if around.folder is not None and around.identity and replay is None:
            held.enter_context(storage.alone(around.folder, name))
            stored = storage.opened("sqlite", name, around, direction=metrics[metric])
            kept = storage.Kept(stored, space, metric)
            known, already = kept.known(), kept.spent()
            if known:
                note(f"going on with a study of which {len(known)} trials are over")
        how["sampler"] = engine.sampler(tuning, int(streams(tuning.seed).sampler), space)
        memory = optuna.create_study(study_name=pipeline.name, **how)
        known = [one for one in known if not (one.state == "pruned" and one.failure)]
        ledger = Replayed(memory, space, wanted, known, kept)
    return Asking(
        ledger=held.enter_context(ledger),
        metric=metric,
        direction=metrics[metric],
        wanted=wanted,
        already=already,
        keeps=kept is not None or tuning.storage != "sqlite",
    )


def identity(pipeline: Pipeline, around: Surroundings) -> str:
    """Return the digest of everything that decides what is tried and what it comes to."""
    spec = pipeline.spec
    said = {
        "identity": around.identity,
        "model": spec.model.model_dump(mode="json", exclude={"gpu"}),
        "label": spec.label.model_dump(mode="json"),
        "tuning": spec.tuning.model_dump(mode="json", exclude=ASKING),
        "together": is_together(pipeline),
        "optuna": version("optuna"),
    }
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()[:IDENTITY_SHOWN]


def is_together(pipeline: Pipeline) -> bool:
    """Tell whether the trials of a batch are trained as one program.

    On a CPU one model fills the cores, and many at once took twice as long.
    """
    if not isinstance(pipeline.spec.model, Network):
        return False
    if pipeline.spec.tuning.together == "auto":
        import jax

        return jax.default_backend() == "gpu"
    return pipeline.spec.tuning.together == "on"


def _pruner(pipeline: Pipeline) -> optuna.pruners.BasePruner:
    """Return the spec's pruner; what has no epochs is never pruned, since it reports none."""
    return engine.PRUNERS[pipeline.spec.tuning.pruner](getattr(pipeline.spec.model, "epochs", 1))
