"""Meters add up what is spent over any number of processes, and say which limit is reached."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlplatform.spec.budget import Budget, limits
from mlplatform.train.budget import Meter, Spent, reached

seconds = st.floats(min_value=0, max_value=1e6)


class Clock:
    """Seconds that pass when told to."""

    def __init__(self) -> None:
        self.now = 1e6

    def __call__(self) -> float:
        """Tell the time."""
        return self.now


def test_each_kind_of_limit_is_said_when_it_is_reached() -> None:
    clock = Clock()
    budget = Budget(wall_seconds=7200, device_hours=8, cost=9, price_per_hour=3, steps=1_000_000)
    meter = Meter(budget, devices=2, clock=clock)
    assert meter.reached(999_999) is None
    assert meter.reached(1_000_000) == "budget.steps of 1,000,000 reached"
    clock.now += 5400  # 1.5 hours of 2 devices at 3.
    assert meter.spent(10) == Spent(wall_seconds=5400, device_hours=3, cost=9, steps=10)
    assert meter.reached(10) == "budget.cost of 9 reached"
    assert reached(Budget(wall_seconds=5400), meter.spent(10)) == (
        "budget.wall_seconds of 5,400 reached"
    )
    assert (
        reached(Budget(device_hours=0.5), meter.spent(10)) == "budget.device_hours of 0.5 reached"
    )


@given(st.lists(seconds, min_size=1, max_size=6), st.integers(1, 64))
def test_a_killed_and_resumed_training_has_spent_what_all_its_processes_did(
    lives: list[float], devices: int
) -> None:
    """Of each process, what its last checkpoint says."""
    budget, already, clock = Budget(cost=1, price_per_hour=2), Spent(), Clock()
    for life in lives:
        meter = Meter(budget, devices, already, clock)
        clock.now += life
        already = Spent.of(meter.spent(steps=7).notes())
        clock.now += 1234  # Dead; nobody counts.
    hours = devices * sum(lives) / 3600
    assert already.wall_seconds == pytest.approx(sum(lives), abs=1e-6)
    assert already.device_hours == pytest.approx(hours, abs=1e-6)
    assert already.cost == pytest.approx(2 * hours, abs=1e-6)
    assert already.steps == 7


@given(seconds, seconds, st.integers(0, 10**6), st.integers(1, 10**6), st.floats(1e-3, 1e6))
def test_once_reached_a_limit_stays_reached(
    first: float, then: float, steps: int, most: int, limit: float
) -> None:
    clock = Clock()
    meter = Meter(Budget(wall_seconds=limit, steps=most), devices=1, clock=clock)
    clock.now += first
    before = meter.reached(steps)
    within = steps < most and meter.spent(steps).wall_seconds < limit
    assert (before is None) == within
    clock.now += then
    assert before is None or meter.reached(steps + 1) is not None


@given(seconds, st.integers(0, 10**9))
def test_without_limits_nothing_is_ever_reached(spent: float, steps: int) -> None:
    clock = Clock()
    meter = Meter(Budget(price_per_hour=1), devices=1, clock=clock)
    clock.now += spent
    assert meter.reached(steps) is None
    assert limits(Budget(price_per_hour=1)) == {}
    assert meter.steps_left(steps) is None


def test_a_clock_that_goes_back_gives_nothing_back() -> None:
    clock = Clock()
    meter = Meter(Budget(), devices=1, already=Spent(wall_seconds=5), clock=clock)
    clock.now -= 100
    assert meter.spent(0).wall_seconds == 5


def test_a_budget_of_steps_says_how_many_are_left() -> None:
    meter = Meter(Budget(steps=10), devices=1)
    assert [meter.steps_left(steps) for steps in (0, 9, 10, 11)] == [10, 1, 0, 0]
