"""What surrounds a study: where it is kept, and who is told how it goes."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from mlplatform.errors import TrainingError
from mlplatform.train.progress import lasting
from mlplatform.tune.record import Record


@dataclass(frozen=True, kw_only=True)
class StudyProgress:
    """How far a study is, after a trial.

    Attributes:
        record: The trial that is over.
        done: How many are.
        wanted: How many there will be.
        metric: What is optimised.
        best: The best trial so far; None while none is complete.
        eta_seconds: Until the last is over; None before one was timed.
    """

    record: Record
    done: int
    wanted: int
    metric: str
    best: Record | None
    eta_seconds: float | None


def line(progress: StudyProgress) -> str:
    """Return it as one line: `trial 3 (4/32): auc 0.9131  best 0.9142, trial 1  2 min 4 s left`."""
    record, metric = progress.record, progress.metric
    said = f"{metric} {record.metrics[metric]:.5g}" if metric in record.metrics else ""
    how = {"complete": said, "pruned": f"pruned after {record.epochs} epochs, {said}"}
    parts = [f"trial {record.number} ({progress.done}/{progress.wanted}): "]
    parts[0] += how.get(record.state, f"failed: {record.failure}")
    if progress.best is not None:
        parts.append(f"best {progress.best.metrics[metric]:.5g}, trial {progress.best.number}")
    if progress.eta_seconds is not None and progress.done < progress.wanted:
        parts.append(f"{lasting(progress.eta_seconds)} left")
    return "  ".join(parts)


def _no_secret(name: str) -> str:
    raise TrainingError(f"tuning.storage names the environment variable {name}, which is not set")


def _quiet(_: StudyProgress) -> None:
    """Tell nobody."""


def _unsaid(_: str) -> None:
    """Tell nobody: who asked for no surroundings reads the study's notes."""


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """The surroundings of a study; those that are left out keep nothing and tell nobody.

    Attributes:
        folder: Where studies are kept on this machine; None keeps none there.
        identity: Digest of everything that decides what a trial comes to, but the spec: its rows, its
            code. Another's trials are never taken up.
        secret: Returns what the environment variable of a name holds.
        on_trial: Told of each trial that is over.
        on_note: Told at once what is done otherwise than asked, in a sentence.
    """

    folder: Path | None = None
    identity: str = ""
    secret: Callable[[str], str] = _no_secret
    on_trial: Callable[[StudyProgress], None] = _quiet
    on_note: Callable[[str], None] = _unsaid
