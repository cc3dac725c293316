"""Where a training's rows come from: the device's memory, or a stream through it."""

from abc import ABC, abstractmethod

from mlplatform.train import trainer
from mlplatform.train.task import Rows
from mlplatform.train.trainer import Hyper, Plan, Seeds, State, Taken


class Feed(ABC):
    """Hands a training the batches of its next segment."""

    @abstractmethod
    def advance(
        self,
        number: int,
        state: State,
        seeds: Seeds,
        hyper: Hyper,
        plan: Plan,
        count: int | None = None,
    ) -> tuple[State, Taken]:
        """Take the steps of segment `number`, counted from the first of the first epoch.

        Of the last segment that a budget allows, only the first `count`. `state` is donated. A feed
        gives equal batches for equal numbers, whatever it gave before, so that a resumed training
        sees what an undisturbed one does.
        """


class InMemory(Feed):
    """Rows that lie on the device; each segment is one call, which draws its own batches."""

    def __init__(self, rows: Rows) -> None:
        self.rows = rows

    def advance(
        self,
        number: int,
        state: State,
        seeds: Seeds,
        hyper: Hyper,
        plan: Plan,
        count: int | None = None,
    ) -> tuple[State, Taken]:
        """Take the next steps; the state itself knows which they are."""
        found: tuple[State, Taken] = trainer.segment(
            state, self.rows, seeds, hyper, plan=plan, count=count
        )
        return found
