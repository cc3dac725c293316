"""Where a study's trials are kept: SQLite of this machine, or a database or file that processes share."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import optuna
from optuna.storages.journal import JournalFileBackend

from mlplatform.errors import TrainingError
from mlplatform.train.budget import Spent
from mlplatform.tune.around import Surroundings
from mlplatform.tune.record import Record

SPENT = "spent"
BUSY_SECONDS = 60  # A write waits so long for another's.


class Kept:
    """The trials of one study that are over, in a database.

    Args:
        study: Optuna's.
        space: What is sampled.
        metric: What is optimised.
    """

    def __init__(self, study: optuna.Study, space: Any, metric: str) -> None:
        self._study, self._space, self._metric = study, space, metric

    def known(self) -> list[Record]:
        """Return the trials that were kept, by number."""
        return [Record.of(trial) for trial in self._study.get_trials(deepcopy=False)]

    def add(self, record: Record, spent: Spent) -> None:
        """Keep one more, whole or not at all."""
        self._study.add_trial(record.frozen(self._space, self._metric))
        self._study.set_user_attr(SPENT, spent.notes())

    def spent(self) -> Spent | None:
        """Return what was used up for them."""
        notes = self._study.user_attrs.get(SPENT)
        return Spent.of(notes) if notes else None


def opened(storage: str, name: str, around: Surroundings, **how: Any) -> optuna.Study:
    """Return the study of a name from the spec's storage, made if it is not there.

    Raises:
        TrainingError: If the storage cannot be used.
    """
    try:
        return optuna.create_study(
            study_name=name, storage=_storage(storage, name, around), load_if_exists=True, **how
        )
    except TrainingError:
        raise
    except Exception as wrong:  # SQLAlchemy and each driver below it raise their own kinds.
        first = (str(wrong).splitlines() or [""])[0]
        # The URL may hold a password, so it is not repeated.
        raise TrainingError(f"{name}: the study's storage cannot be used: {first}") from None


@contextmanager
def alone(folder: Path, name: str) -> Iterator[None]:
    """Hold a study against other processes of this machine; a kill lets it go.

    Raises:
        TrainingError: If another process has it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / f"{name}.lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise TrainingError(
                f"{name}: another process is at this study; wait for it, or let processes share it"
                " by tuning.storage"
            ) from None
        yield


def _storage(storage: str, name: str, around: Surroundings) -> Any:
    kind, _, rest = storage.partition(":")
    if kind == "env":
        url = around.secret(rest)
    elif around.folder is None:
        raise TrainingError(f"{name}: tuning.storage {storage!r} needs a folder for studies")
    elif kind == "journal":
        path = around.folder / rest
        path.parent.mkdir(parents=True, exist_ok=True)
        return optuna.storages.JournalStorage(JournalFileBackend(os.fspath(path)))
    else:
        url = f"sqlite:///{around.folder / name.rpartition('-')[0]}.db"
    engine = {"connect_args": {"timeout": BUSY_SECONDS}} if url.startswith("sqlite") else {}
    return optuna.storages.RDBStorage(url, engine_kwargs=engine)
