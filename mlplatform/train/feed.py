"""Where a training's rows come from: the device's memory, or a stream through it."""

from abc import ABC, abstractmethod

import jax

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
    """Rows that lie on the device; each segment is one call.

    Where an epoch is one segment, that call draws its order too; else the order is kept for all of them.
    """

    def __init__(self, rows: Rows) -> None:
        self.rows = rows
        self._order: tuple[int, jax.Array] | None = None

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
        order = self._of_epoch(number // plan.segments, state, seeds, plan)
        found: tuple[State, Taken] = trainer.segment(
            state, self.rows, seeds, hyper, plan=plan, count=count, order=order
        )
        return found

    def _of_epoch(self, epoch: int, state: State, seeds: Seeds, plan: Plan) -> jax.Array | None:
        if plan.segments == 1:
            return None
        if self._order is None or self._order[0] != epoch:
            self._order = epoch, trainer.epoch_order(state, self.rows, seeds, plan=plan)
        return self._order[1]
