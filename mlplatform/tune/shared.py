"""A study that many processes work on: each claims trials of one storage and tells it what they came to.

Which process sees whose trials first is chance, so such a study does not replay.
"""

import os
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress

import optuna
from optuna.exceptions import UpdateFinishedTrialError
from optuna.trial import FrozenTrial, TrialState

from mlplatform.train.budget import Spent, total
from mlplatform.train.progress import Rate
from mlplatform.tune.attempt import Attempt
from mlplatform.tune.engine import Space
from mlplatform.tune.ledger import Asked, Ledger, tell
from mlplatform.tune.record import Record

SIGN_SECONDS = 5.0  # Between the signs of life a worker gives.
GONE_SECONDS = 120.0  # Without one its trials are another's to try. Clocks may differ by some.
LOOK_SECONDS = 1.0  # While the trials of others are waited for.
WORKER, SURPLUS, GONE = "worker", "surplus", "gone"
SPENT = "spent by "  # And a worker: what it used up.


class Shared(Ledger):
    """Claims trials until all processes together have as many as are wanted.

    Args:
        study: In the storage that they share.
        space: What is sampled.
        wanted: How many trials, of all processes.
        note: Told when a trial was taken from this process, or the storage was away.
    """

    def __init__(
        self, study: optuna.Study, space: Space, wanted: int, note: Callable[[str], None]
    ) -> None:
        self._study, self._space, self._wanted, self._note = study, space, wanted, note
        self._worker = f"{os.uname().nodename}-{os.getpid()}-{uuid.uuid4().hex[:8]}"
        self._claimed: dict[int, optuna.Trial] = {}
        self._look, self._others = Rate(LOOK_SECONDS), Spent()
        self._unheard = ""
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
            with suppress(UpdateFinishedTrialError):  # Another took this process for gone.
                trial.set_user_attr(GONE, self._worker)
                self._study.tell(trial, state=TrialState.FAIL, skip_if_finished=True)

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

    def report(self, attempt: Attempt) -> None:
        """Tell the pruner of an epoch, where the trial is still this process's."""
        with self._losing(attempt):
            super().report(attempt)

    def over(self, attempt: Attempt, spent: Spent) -> None:
        """Tell it at once; what a budget cut short is another's to try."""
        self._study.set_user_attr(f"{SPENT}{self._worker}", spent.notes())
        if self._unheard:
            self._note(f"the study's storage did not take a sign of life: {self._unheard}")
            self._unheard = ""
        if attempt.is_cut:
            return
        if not attempt.is_lost:
            self._tell(attempt)
        del self._claimed[attempt.number]

    def others(self) -> Spent:
        """Return what other processes used up, as of a moment ago."""
        if self._look.due():
            mine, attributes = f"{SPENT}{self._worker}", self._study.user_attrs
            names = [n for n in attributes if n.startswith(SPENT) and n != mine]
            self._others = total(Spent.of(attributes[name]) for name in names)
        return self._others

    def tell(self, attempts: Sequence[Attempt]) -> None:
        """Do nothing: each was told."""

    def records(self) -> list[Record]:
        """Return the trials of all processes that are over."""
        return [Record.of(trial) for trial in self._living() if trial.state.is_finished()]

    def _tell(self, attempt: Attempt) -> None:
        with self._losing(attempt):
            for name, value in attempt.record().attributes().items():
                attempt.trial.set_user_attr(name, value)
            if GONE in tell(self._study, attempt, skip_if_finished=True).user_attrs:
                raise UpdateFinishedTrialError

    @contextmanager
    def _losing(self, attempt: Attempt) -> Iterator[None]:
        """Drop an attempt if another process took this one for gone: it may have slept, or the network."""
        try:
            yield
        except UpdateFinishedTrialError:
            attempt.lose()
            self._note(
                f"trial {attempt.number} is dropped: no sign of life of this process came through for"
                f" {GONE_SECONDS:g} s, so another tries it"
            )

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
            with suppress(UpdateFinishedTrialError):  # It was not gone, or a third was faster.
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
            try:
                self._study.set_user_attr(self._worker, time.time())
            except Exception as away:  # Each storage's driver raises its own kinds.
                self._unheard = type(away).__name__  # Its words may hold a password.
