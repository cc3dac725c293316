"""A study that many processes work on: each claims trials of one storage and tells it what they came to.

Which process sees whose trials first is chance, so such a study does not replay.
"""

import os
import threading
import time
import uuid
from collections.abc import Sequence

import optuna
from optuna.trial import FrozenTrial, TrialState

from mlplatform.train.budget import Spent
from mlplatform.tune.attempt import Attempt
from mlplatform.tune.engine import Space
from mlplatform.tune.ledger import Asked, Ledger, tell
from mlplatform.tune.record import Record

SIGN_SECONDS = 10.0  # Between the signs of life that a worker gives.
GONE_SECONDS = 120.0  # Without one its trials are another's to try. Clocks may differ by some.
LOOK_SECONDS = 1.0  # While the trials of others are waited for.
WORKER, SURPLUS, GONE = "worker", "surplus", "gone"


class Shared(Ledger):
    """Claims trials until all processes together have as many as are wanted.

    Args:
        study: In the storage that they share.
        space: What is sampled.
        wanted: How many trials, of all processes.
        gone_seconds: After which a worker without a sign of life is given up.
    """

    def __init__(
        self, study: optuna.Study, space: Space, wanted: int, gone_seconds: float = GONE_SECONDS
    ) -> None:
        self._study, self._space, self._wanted = study, space, wanted
        self._gone_seconds = gone_seconds
        self._worker = f"{os.uname().nodename}-{os.getpid()}-{uuid.uuid4().hex[:8]}"
        self._done = threading.Event()
        self._signs = threading.Thread(target=self._sign, name="study", daemon=True)

    def __enter__(self) -> "Shared":
        """Give signs of life from now on."""
        self._study.set_user_attr(self._worker, time.time())
        self._signs.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Give no more."""
        self._done.set()
        self._signs.join()

    def ask(self, count: int) -> Asked:
        """Return trials that no other process has; none once all that are wanted are over."""
        claimed: Asked = []
        while len(claimed) < count:
            living = self._living()
            if len(living) < self._wanted:
                trial = self._claim()
                claimed += [(trial, None)] if trial else []
            elif claimed or all(trial.state.is_finished() for trial in living):
                break
            elif not self._give_up(living):
                time.sleep(LOOK_SECONDS)
        return claimed

    def over(self, attempt: Attempt, spent: Spent) -> None:
        """Tell it at once."""
        for name, value in attempt.record().attributes().items():
            attempt.trial.set_user_attr(name, value)
        tell(self._study, attempt)

    def tell(self, attempts: Sequence[Attempt]) -> None:
        """Do nothing: each was told."""

    def records(self) -> list[Record]:
        """Return the trials of all processes that are over."""
        return [Record.of(trial) for trial in self._living() if trial.state.is_finished()]

    def _living(self) -> list[FrozenTrial]:
        """Return the trials that count."""
        found = self._study.get_trials(deepcopy=False)
        return [t for t in found if not t.user_attrs.keys() & {SURPLUS, GONE}]

    def _claim(self) -> optuna.Trial | None:
        """Ask for a trial; of processes that ask for the last one at once, the first has it."""
        trial = self._study.ask(dict(self._space))
        trial.set_user_attr(WORKER, self._worker)
        before = [other for other in self._living() if other.number < trial.number]
        if len(before) < self._wanted:
            return trial
        trial.set_user_attr(SURPLUS, "others had enough")
        self._study.tell(trial, state=TrialState.FAIL)
        return None

    def _give_up(self, living: Sequence[FrozenTrial]) -> bool:
        """End the trials of workers that are gone; tell whether there were any."""
        signs, now = self._study.user_attrs, time.time()
        gone = [
            trial
            for trial in living
            if not trial.state.is_finished() and self._is_gone(trial, signs, now)
        ]
        for trial in gone:
            self._study._storage.set_trial_user_attr(
                trial._trial_id, GONE, trial.user_attrs.get(WORKER, "")
            )  # noqa: SLF001  Optuna offers no other way to another process's trial
            self._study.tell(trial.number, state=TrialState.FAIL, skip_if_finished=True)
        return bool(gone)

    def _is_gone(self, trial: FrozenTrial, signs: dict[str, float], now: float) -> bool:
        seen = signs.get(trial.user_attrs.get(WORKER, ""))
        if seen is None:  # Claimed a moment ago, or by one that was killed that moment.
            seen = trial.datetime_start.timestamp() if trial.datetime_start else 0.0
        return now - seen > self._gone_seconds

    def _sign(self) -> None:
        while not self._done.wait(min(SIGN_SECONDS, self._gone_seconds / 4)):
            self._study.set_user_attr(self._worker, time.time())
