"""What a training has used up, and which limit it has reached.

Counted is every second from the meter's start, compiling included, and every second that a
checkpoint says was spent before. What a killed process did after its last checkpoint is known to
nobody and is not counted: at most the seconds between two checkpoints, for each kill.
"""

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, fields

from mlplatform.spec.budget import Budget, limits
from mlplatform.train import together

SECONDS_AN_HOUR = 3600.0
LEAST = 1e-9  # Of a limit: one that is used up ends a training after its first segment.


@dataclass(frozen=True, kw_only=True)
class Spent:
    """What was used up.

    Attributes:
        wall_seconds: By the clock, over all processes that had a part in turn.
        device_hours: Of every device, added up.
        cost: In the currency of the budget's price per hour; 0 without a price.
        steps: Updates of the parameters.
    """

    wall_seconds: float = 0.0
    device_hours: float = 0.0
    cost: float = 0.0
    steps: int = 0

    @classmethod
    def of(cls, notes: Mapping[str, float]) -> "Spent":
        """Return what `notes` wrote down."""
        return cls(
            wall_seconds=float(notes["wall_seconds"]),
            device_hours=float(notes["device_hours"]),
            cost=float(notes["cost"]),
            steps=int(notes["steps"]),
        )

    def notes(self) -> dict[str, float]:
        """Return it as JSON, for a checkpoint."""
        return asdict(self)


def total(spent: Iterable[Spent]) -> Spent:
    """Return what several used up together."""
    every = [asdict(each) for each in spent]
    return Spent(**{one.name: sum(each[one.name] for each in every) for one in fields(Spent)})


class Meter:
    """The meter of one training, or of one study.

    Args:
        budget: The limits.
        devices: How many are used at once; each costs.
        already: What earlier processes spent, from the checkpoint that is gone on from.
        clock: Seconds.
    """

    def __init__(
        self,
        budget: Budget,
        devices: int,
        already: Spent | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._budget, self._devices, self._clock = budget, devices, clock
        self._already = already or Spent()
        self._start = clock()

    def spent(self, steps: int) -> Spent:
        """Return what is used up by now.

        Args:
            steps: Updates made in all, those of earlier processes included.
        """
        seconds = max(self._clock() - self._start, 0.0)
        hours = self._devices * seconds / SECONDS_AN_HOUR
        return Spent(
            wall_seconds=self._already.wall_seconds + seconds,
            device_hours=self._already.device_hours + hours,
            cost=self._already.cost + hours * (self._budget.price_per_hour or 0.0),
            steps=steps,
        )

    def reached(self, steps: int) -> str | None:
        """Return which limit is reached, in words; None if none is. Every process hears the same."""
        found = reached(self._budget, self.spent(steps))
        words = list(_words(self._budget).values())
        at = together.first(words.index(found) if found else -1)
        return words[at] if at >= 0 else None

    def steps_left(self, steps: int) -> int | None:
        """Return how many updates the budget still allows; None where it does not count them."""
        limit = self._budget.steps
        return None if limit is None else max(limit - steps, 0)


def reached(budget: Budget, spent: Spent) -> str | None:
    """Return the first limit of `budget` that `spent` reaches, in words; None if it reaches none.

    The words name the limit alone: of two runs that a budget of steps stops, both say the same.
    """
    used, words = asdict(spent), _words(budget)
    return next((words[n] for n, limit in limits(budget).items() if used[n] >= limit), None)


def _words(budget: Budget) -> dict[str, str]:
    return {
        name: f"budget.{name} of {limit:,.10g} reached" for name, limit in limits(budget).items()
    }


def part_of(budget: Budget, share: float) -> Budget:
    """Return a share of what a budget allows; at least one step."""
    of = {name: limit * share for name, limit in limits(budget).items()}
    return _with(budget, of)


def less(budget: Budget, spent: Mapping[str, float]) -> Budget:
    """Return what a budget still allows after `spent`; hardly anything, where it is used up."""
    of = {name: limit - spent.get(name, 0) for name, limit in limits(budget).items()}
    return _with(budget, of)


def _with(budget: Budget, of: Mapping[str, float]) -> Budget:
    kept = {
        name: max(int(limit), 1) if name == "steps" else max(limit, LEAST)
        for name, limit in of.items()
    }
    return budget.model_copy(update=kept)
