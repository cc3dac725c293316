"""One trial under way: its model, how it goes, and how it ended."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import optuna

from mlplatform.train.fit import Model
from mlplatform.tune.record import Record, State

History = dict[str, list[float]]


@dataclass(eq=False, kw_only=True)
class Attempt:
    """A trial under way.

    Attributes:
        trial: Optuna's, which is told how it goes.
        model: What is trained.
        metric: What is optimised.
        loss: The name of the task's own metric, which decides which epoch is the best.
        known: What it came to, if it was trained before.
        batch: Rows a batch, where memory does not hold as many as the model asks for.
        history: One value an epoch of each metric.
        steps: Updates of parameters.
        metrics: Of the model it came to; empty before it ended.
        state: How it ended; None while it goes on.
        failure: Why it failed, or what cut it short.
        reported: How many epochs the pruner knows of.
        is_lost: Whether another process has it now.
        taken: Loss and gradient's norm of each segment of the epoch so far.
    """

    trial: optuna.Trial
    model: Model
    metric: str
    loss: str
    known: Record | None = None
    batch: int | None = None
    history: History = field(default_factory=dict)
    steps: int = 0
    metrics: Mapping[str, float] = field(default_factory=dict)
    state: State | None = None
    failure: str | None = None
    reported: int = 0
    is_lost: bool = False
    taken: list[tuple[float, float]] = field(default_factory=list)

    @property
    def number(self) -> int:
        """From 0."""
        return self.trial.number

    @property
    def is_cut(self) -> bool:
        """Whether a budget ended it, and not itself or the others."""
        return self.state == "pruned" and self.failure is not None and not self.is_lost

    @property
    def epochs(self) -> int:
        """How many are done."""
        return len(self.history.get("validation_loss", ()))

    @property
    def best_epoch(self) -> int | None:
        """The epoch, from 1, with the least validation loss."""
        losses = self.history.get("validation_loss")
        return losses.index(min(losses)) + 1 if losses else None

    @property
    def reports(self) -> list[float]:
        """The metric after each epoch."""
        return self.history.get(self._measured(self.metric), [])

    def has_news(self) -> bool:
        """Tell, once, whether there is a report that was not there before."""
        before, self.reported = self.reported, len(self.reports)
        return self.reported > before

    def restart(self, batch: int | None = None) -> None:
        """Forget what was trained; it is trained again, by fewer rows a batch where that is said."""
        self.history, self.taken, self.steps = {}, [], 0
        self.batch = batch or self.batch

    def took(self, loss: float, norm: float) -> None:
        """Hear of a segment; a loss that is not finite ends the trial."""
        self.taken.append((loss, norm))
        if self.state is None and not (math.isfinite(loss) and math.isfinite(norm)):
            what = "train loss" if not math.isfinite(loss) else "gradient's norm"
            self.fail(f"the {what} is not finite in epoch {self.epochs + 1}")

    def judged(self, measured: Mapping[str, float]) -> None:
        """Hear how good an epoch's model is; a loss that is not finite ends the trial."""
        if self.state is not None:
            return
        if not math.isfinite(measured["loss"]):
            self.fail(f"the validation loss is not finite in epoch {self.epochs + 1}")
            return
        losses, norms = zip(*self.taken, strict=True)
        told = {"train_loss": sum(losses) / len(losses), "gradient_norm": max(norms)}
        told |= {f"validation_{name}": value for name, value in measured.items()}
        for name, value in told.items():
            self.history.setdefault(name, []).append(float(value))
        self.taken = []

    def fail(self, why: str) -> None:
        """End it without a model."""
        self.state, self.failure = "failed", why

    def complete(self, metrics: Mapping[str, float]) -> None:
        """End it with a model."""
        if math.isfinite(metrics[self.metric]):
            self.state, self.metrics = "complete", dict(metrics)
        else:
            self.fail(f"{self.metric} is {metrics[self.metric]}")

    def prune(self) -> None:
        """End it since others do better."""
        self.state = "pruned"

    def cut(self, why: str) -> None:
        """End it where it is; it would be trained again."""
        self.state, self.failure = "pruned", why

    def lose(self) -> None:
        """End it, since another process tries it: what it came to here counts for nothing."""
        self.state, self.failure, self.is_lost = "pruned", "another process has it", True

    def remember(self) -> None:
        """Go on as it went when it was trained before."""
        assert self.known is not None  # noqa: S101  asked of no other
        reports, done = list(self.known.reports), len(self.reports)
        if done < len(reports):
            self.history[self._measured(self.metric)] = reports[: done + 1]
        last = done + 1 >= len(reports) and self.known.state == "complete"
        if last or done == len(reports):
            self.state = self.known.state

    def sofar(self) -> dict[str, float]:
        """Return the metrics of the best epoch so far, by their names."""
        if self.best_epoch is None:
            return {}
        named = {
            name.removeprefix("validation_"): series[self.best_epoch - 1]
            for name, series in self.history.items()
            if name.startswith("validation_")
        }
        return {self.loss if name == "loss" else name: value for name, value in named.items()}

    def record(self) -> Record:
        """Return what it came to."""
        if self.known is not None:
            return self.known
        assert self.state is not None  # noqa: S101  asked for once it is over
        return Record(
            number=self.number,
            params=self.trial.params,
            state=self.state,
            reports=tuple(self.reports),
            metrics=dict(self.metrics or self.sofar()),
            best_epoch=self.best_epoch,
            epochs=self.epochs,
            steps=self.steps,
            failure=self.failure,
        )

    def _measured(self, metric: str) -> str:
        return f"validation_{'loss' if metric == self.loss else metric}"
