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

SIGN_SECONDS = 5.0  # Between the signs of life a worker gives.
GONE_SECONDS = 120.0  # Without one its trials are another's to try. Clocks may differ by some.
LOOK_SECONDS = 1.0  # While the trials of others are waited for.
WORKER, SURPLUS, GONE = "worker", "surplus", "gone"


class Shared(Ledger):
    """Claims trials until all processes together have as many as are wanted.

    Args:
        study: In the storage that they share.
        space: What is sampled.
        wanted: How many trials, of all processes.
    """

    def __init__(self, study: optuna.Study, space: Space, wanted: int) -> None:
        self._study, self._space, self._wanted = study, space, wanted
        self._worker = f"{os.uname().nodename}-{os.getpid()}-{uuid.uuid4().hex[:8]}"
        self._claimed: dict[int, optuna.Trial] = {}
        self._done = threading.Event()
        self._signs = threading.Thread(target=self._sign, name="study", daemon=True)

    def __enter__(self) -> "Shared":
        """Give signs of life from now on."""
        self._study.set_user_attr(self._worker, time.time())
        self._signs.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Give no more, and leave what is claimed and not over to others."""
        self._done.set()
        self._signs.join()
        for trial in self._claimed.values():
            trial.set_user_attr(GONE, self._worker)
            self._study.tell(trial, state=TrialState.FAIL)

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
        """Tell it at once; what a budget cut short is another's to try."""
        if attempt.is_cut:
            return
        for name, value in attempt.record().attributes().items():
            attempt.trial.set_user_attr(name, value)
        tell(self._study, attempt)
        del self._claimed[attempt.number]

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
            self._claimed[trial.number] = trial
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
            # Optuna tells of a trial of another process only through one's own handle on it.
            handle = optuna.trial.Trial(self._study, trial._trial_id)  # noqa: SLF001  no other way
            handle.set_user_attr(GONE, trial.user_attrs.get(WORKER, ""))
            self._study.tell(trial.number, state=TrialState.FAIL, skip_if_finished=True)
        return bool(gone)

    def _is_gone(self, trial: FrozenTrial, signs: dict[str, float], now: float) -> bool:
        seen = signs.get(trial.user_attrs.get(WORKER, ""))
        if seen is None:  # Claimed a moment ago, or by one that was killed that moment.
            seen = trial.datetime_start.timestamp() if trial.datetime_start else 0.0
        return now - seen > GONE_SECONDS

    def _sign(self) -> None:
        while not self._done.wait(SIGN_SECONDS):
            self._study.set_user_attr(self._worker, time.time())
