import itertools

import pytest

from mlplatform.gates.budget import budget
from mlplatform.measures import BudgetSeen
from mlplatform.spec.model_gates import BudgetGate
from mlplatform.testing.gate_contract import GateContract
from mlplatform.verdict import Outcome

NAN, INF = float("nan"), float("inf")
STOPPED = "budget.steps of 1,000 reached"


def seen(stopped_by="", **spent):
    limits = {"steps": 1000, "wall_seconds": 60}
    return BudgetSeen(stopped_by=stopped_by, limits=limits, spent={"steps": 10, **spent})


class TestBudget(GateContract):
    """What ended the training, and what it used of each limit."""

    gate, policy, limit = staticmethod(budget), BudgetGate(), 1.0
    good = (seen(wall_seconds=59.0),)
    bad = (seen(STOPPED, steps=1000, wall_seconds=59.0),)
    missing = tuple(
        (one,)
        for one in (
            None,
            BudgetSeen(stopped_by=None),
            seen(),
            *(seen(wall_seconds=odd) for odd in (None, NAN, INF, -1.0)),
            *(seen(STOPPED, wall_seconds=odd) for odd in (None, NAN)),
        )
    )


class TestReachedPasses(GateContract):
    """A policy that lets a reached budget pass lets nothing unmeasured pass."""

    gate, policy, limit = staticmethod(budget), BudgetGate(reached="pass"), 1.0
    good = (seen(STOPPED, steps=1000, wall_seconds=1.0),)
    bad = (seen(STOPPED, steps=1000),)
    missing = TestBudget.missing


def test_a_pass_says_how_much_was_used_of_each_limit():
    verdict = budget(seen(wall_seconds=42.5), BudgetGate())
    assert verdict.because == ("training ended by itself; used 10 of 1,000 steps, 42.5 of 60 s")
    assert verdict.observed == pytest.approx(42.5 / 60)
    assert verdict.evidence["spent"] == {"steps": 10.0, "wall_seconds": 42.5}


def test_a_failure_says_which_limit_and_what_to_do():
    verdict = budget(seen(STOPPED, steps=1000, wall_seconds=1), BudgetGate())
    assert verdict.outcome is Outcome.FAIL
    assert verdict.because.startswith(f"training was stopped: {STOPPED}; used 1,000 of 1,000 steps")
    assert verdict.because.endswith("or set model_gates.budget.reached to 'pass'")


def test_without_limits_there_is_nothing_to_reach():
    verdict = budget(BudgetSeen(stopped_by="", spent={"steps": 7}), BudgetGate())
    assert (verdict.passed, verdict.observed) == (True, 0.0)
    assert verdict.because == "training ended by itself; the spec sets 0 limits"


@pytest.mark.parametrize(
    ("stopped", "reached", "known"),
    list(itertools.product(["", STOPPED, None], ["fail", "pass"], [True, False])),
)
def test_it_opens_only_for_what_is_known_and_allowed(stopped, reached, known):
    """The whole truth table."""
    measured = seen(stopped, wall_seconds=1.0 if known else None)
    opens = budget(measured, BudgetGate(reached=reached)).passed
    assert opens == (known and stopped is not None and (not stopped or reached == "pass"))
