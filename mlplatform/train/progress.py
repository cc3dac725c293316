"""How far a training is, how fast, and when it will be done; and who tells it to whom."""

import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from types import TracebackType
from typing import TYPE_CHECKING, Any, Protocol, Self

if TYPE_CHECKING:
    from rich.console import Console

RECENT = 8  # Epochs whose median is the pace: one slow epoch among them changes nothing.
SECONDS_BETWEEN_LINES = 10.0  # In logs, where each line stays.
MINUTE, HOUR = 60, 3600


@dataclass(frozen=True, kw_only=True)
class Progress:
    """Where a training is after an epoch.

    Attributes:
        epoch: Of `epochs`, the last one done.
        epochs: As asked; early stopping or a budget may end it before.
        step: Of `steps`, updates made.
        steps: Of all epochs.
        seconds: Since this process began to train.
        rows_a_second: Training rows; None before an epoch was timed.
        eta_seconds: Until the last epoch is done; None before an epoch was timed.
        metrics: Of this epoch, like train_loss and validation_loss.
    """

    epoch: int
    epochs: int
    step: int
    steps: int
    seconds: float
    rows_a_second: float | None = None
    eta_seconds: float | None = None
    metrics: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Pace:
    """How long epochs take in this process.

    The first one it did compiles, and counts only while it is the only one.

    Attributes:
        epochs: Of the whole training.
        rows: Training rows an epoch.
        steps: Updates an epoch.
        epoch: The last one done; where a resumed training starts, the one of its checkpoint.
        at: Seconds, when that was.
        began: Seconds, when this process did.
        took: Seconds of each epoch this process did.
    """

    epochs: int
    rows: int
    steps: int
    epoch: int = 0
    at: float = 0.0
    began: float = 0.0
    took: tuple[float, ...] = ()

    @classmethod
    def start(cls, *, epochs: int, rows: int, steps: int, epoch: int, now: float) -> "Pace":
        """Return the pace of a process that goes on after `epoch`."""
        return cls(epochs, rows, steps, epoch, now, now)

    def mark(self, epoch: int, now: float) -> "Pace":
        """Return the pace once `epoch` is done; epochs done since the last mark took equally long."""
        done = max(epoch - self.epoch, 1)
        took = (*self.took, *[max(now - self.at, 0.0) / done] * done)
        return replace(self, epoch=epoch, at=now, took=took)

    @property
    def epoch_seconds(self) -> float | None:
        """How long an epoch takes; None before one was done."""
        later = self.took[1:][-RECENT:] or self.took
        return statistics.median(later) if later else None

    def progress(self, metrics: Mapping[str, float]) -> Progress:
        """Return where the training is."""
        each = self.epoch_seconds
        return Progress(
            epoch=self.epoch,
            epochs=self.epochs,
            step=self.epoch * self.steps,
            steps=self.epochs * self.steps,
            seconds=self.at - self.began,
            rows_a_second=self.rows / each if each else None,
            eta_seconds=None if each is None else each * max(self.epochs - self.epoch, 0),
            metrics=dict(metrics),
        )


class Rate:
    """Lets something happen at most once in `every_seconds`; the first time at once."""

    def __init__(self, every_seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._every, self._clock = every_seconds, clock
        self._last: float | None = None

    def due(self) -> bool:
        """Whether it may happen now; if so, it has."""
        now = self._clock()
        if self._last is not None and now - self._last < self._every:
            return False
        self._last = now
        return True


class Teller(Protocol):
    """Whoever wants to know how far a training is."""

    def __call__(self, progress: Progress) -> None:
        """Hear of an epoch that was done."""


class Terminal:
    """Tells a person: a bar that moves where there is a terminal, else a line now and then.

    Used in a `with` block, after which the bar is gone. The first and last epoch always get a line.
    """

    def __init__(self, console: "Console", every_seconds: float = SECONDS_BETWEEN_LINES) -> None:
        self._console, self._rate = console, Rate(every_seconds)
        self._bar: Any = None

    def __enter__(self) -> Self:
        """Begin."""
        if self._console.is_terminal:
            from rich.progress import BarColumn, Progress, TextColumn

            columns = (BarColumn(), TextColumn("{task.description}"))
            self._bar = Progress(*columns, console=self._console, transient=True)
            self._bar.start()
            self._bar.add_task("compiling", total=None)
        return self

    def __call__(self, progress: Progress) -> None:
        """Hear of an epoch that was done."""
        said = line(progress)
        if self._bar is not None:
            done = {"completed": progress.epoch, "total": progress.epochs}
            self._bar.update(self._bar.task_ids[0], description=said, **done)
        elif self._rate.due() or progress.epoch >= progress.epochs:
            self._console.print(said, highlight=False, markup=False, soft_wrap=True)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End."""
        if self._bar is not None:
            self._bar.stop()


def line(progress: Progress) -> str:
    """Return it as one line: `epoch 3/12  train_loss 0.3127  412k rows/s  9 s left`."""
    parts = [f"epoch {progress.epoch}/{progress.epochs}"]
    parts += [f"{name} {value:.4g}" for name, value in progress.metrics.items()]
    if progress.rows_a_second is not None:
        parts.append(f"{_short(progress.rows_a_second)} rows/s")
    if progress.eta_seconds is not None and progress.epoch < progress.epochs:
        parts.append(f"{lasting(progress.eta_seconds)} left")
    return "  ".join(parts)


def lasting(seconds: float) -> str:
    """Return a time span as a person says it: `9 s`, `4 min 5 s`, `2 h 13 min`."""
    whole = round(seconds)
    if whole < MINUTE:
        return f"{whole} s"
    if whole < HOUR:
        return f"{whole // MINUTE} min {whole % MINUTE} s"
    return f"{whole // HOUR:,} h {whole % HOUR // MINUTE} min"


def _short(number: float) -> str:
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if number >= size:
            return f"{number / size:.3g}{letter}"
    return f"{number:.3g}"
