"""A process that works on a study: `python -m mlplatform_tests.tune.worker FOLDER STORAGE TRIALS`."""

import hashlib
import sys
from pathlib import Path

from mlplatform.tune.around import StudyProgress, Surroundings
from mlplatform.tune.study import Study, search
from mlplatform_tests.tune.conftest import made, rows

MODEL = {"hidden": [8], "epochs": 3, "batch_size": 16}


def digest(study: Study) -> str:
    """Return a digest of a study's table."""
    return hashlib.sha256(repr(study.trials.to_pylist()).encode()).hexdigest()


def main(folder: Path, storage: str, trials: int) -> None:
    """Search, telling of each trial on a line."""

    def told(progress: StudyProgress) -> None:
        print("trial", progress.record.number, flush=True)  # noqa: T201  the parent reads it

    around = Surroundings(folder=folder / "studies", identity="people", on_trial=told)
    pipeline = made(folder, trials, model=MODEL, tuning={"storage": storage, "batch": 4})
    study = search(pipeline, rows(), around)
    numbers = study.trials["trial"].to_pylist()
    print("over", digest(study), study.best_trial, *numbers, flush=True)  # noqa: T201  and this


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
