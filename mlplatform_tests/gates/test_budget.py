import itertools

import pytest

from mlplatform.gates.budget import Used, budget
from mlplatform.gates.budget import seen as seen_of
from mlplatform.measures import BudgetSeen
from mlplatform.spec.trust_gates import BudgetGate
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


def test_a_study_and_its_model_share_one_budget():
    limits = {"steps": 250}
    study, model = Used("budget.steps of 250 reached", {"steps": 224}), Used("", {"steps": 26})
    both = budget(seen_of(limits, {"study": study, "model": model}), BudgetGate())
    assert (both.passed, both.observed) == (False, 1.0)
    assert "training was stopped: study: budget.steps of 250 reached; used 250 of" in both.because
    assert budget(seen_of(limits, {"model": model}), BudgetGate()).observed == 26 / 250
    assert seen_of(limits, {"study": study, "model": study}).stopped_by == (
        "study: budget.steps of 250 reached; model: budget.steps of 250 reached"
    )


@pytest.mark.parametrize("odd", [{}, {"steps": None}, {"steps": NAN}, {"steps": -1}])
def test_what_the_study_did_not_measure_is_not_known_of_both(odd):
    used = {"study": Used("", odd), "model": Used("", {"steps": 26})}
    assert (
        "budget.steps was not measured" in budget(seen_of({"steps": 9}, used), BudgetGate()).because
    )
    silent = {"study": Used(None, {"steps": 1}), "model": Used("", {"steps": 26})}
    assert seen_of({"steps": 9}, silent).stopped_by is None
