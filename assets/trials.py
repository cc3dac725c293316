"""Who hears of a study's trials: Dagster's log a line each, MLflow a run each below the study's."""

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mlplatform.registry.tracking import RunLog
    from mlplatform.tune.around import StudyProgress
    from mlplatform.tune.record import Record
    from mlplatform.tune.study import Study


class Trials:
    """Tells of each trial when it is over, and in the end of those that nobody heard of.

    Those are what a budget cut short, what a process was killed over, what other processes tried,
    and, of a study that goes on, what was tried before: MLflow's run holds the whole table.

    Args:
        run: The study's log.
        say: Hears a line.
    """

    def __init__(self, run: "RunLog", say: Callable[[str], None]) -> None:
        self._run, self._say = run, say
        self._told: set[int] = set()

    def __call__(self, progress: "StudyProgress") -> None:
        """Hear of a trial that is over."""
        from mlplatform.tune.around import line

        self._say(line(progress))
        self._log(progress.record, progress.metric)

    def rest(self, found: "Study") -> None:
        """Hear of a study that is over."""
        for record in found.records:
            if record.number not in self._told:
                self._log(record, found.metric)

    def _log(self, trial: "Record", metric: str) -> None:
        self._told.add(trial.number)
        with self._run.child(f"trial {trial.number}") as log:
            log.params(trial.params)
            log.tags({"mlplatform.state": trial.state, "mlplatform.failure": trial.failure or ""})
            log.history({metric: trial.reports}, first_step=1)
            log.metrics({f"best_epoch_{name}": value for name, value in trial.metrics.items()})
