"""Budget gate: did training end by itself, or because it had used up what it may?"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from mlplatform.gates.answer import finite, refused
from mlplatform.measures import BudgetSeen
from mlplatform.spec.trust_gates import BudgetGate
from mlplatform.verdict import Outcome, Verdict

LIMIT = 1.0  # All of the budget.
UNITS = {"wall_seconds": " s", "device_hours": " device-hours", "steps": " steps", "cost": " cost"}


class Used(NamedTuple):
    """What one of those that share a budget came to.

    Attributes:
        stopped_by: The limit that ended it, in words; empty: none; None: nobody said.
        spent: What it used, by the names of limits; what was not measured is None or left out.
    """

    stopped_by: str | None
    spent: Mapping[str, Any]


def seen(limits: Mapping[str, float], used: Mapping[str, Used]) -> BudgetSeen:
    """Return what all that share a budget, by their nouns, used of it together.

    What one of them did not measure or say, nobody knows of all.
    """
    stopped = {noun: each.stopped_by for noun, each in used.items()}
    words = [
        said if len(used) == 1 else f"{noun}: {said}" for noun, said in stopped.items() if said
    ]
    every = {name: [each.spent.get(name) for each in used.values()] for name in UNITS}
    return BudgetSeen(
        stopped_by=None if None in stopped.values() else "; ".join(words),
        limits=limits,
        spent={name: spent for name, of in every.items() if (spent := _sum(of)) is not None},
    )


def _sum(of: Sequence[Any]) -> float | None:
    """Return the sum of numbers of which none is missing or below 0."""
    numbers = [number for each in of if (number := finite(each)) is not None and number >= 0]
    return sum(numbers) if len(numbers) == len(of) else None


def budget(seen: BudgetSeen | None, policy: BudgetGate) -> Verdict:
    """Pass when no limit ended the training, or when the policy lets one that did pass.

    `observed` is the largest share of a limit that was used. A budget whose use was not measured
    fails, also where the policy lets a reached one pass.
    """
    if seen is None or seen.stopped_by is None:
        why = f"nobody said what ended the training; at most {LIMIT:.0%} of its budget may be used"
        return refused("budget", policy.severity, LIMIT, why)
    shares = {name: _share(seen.spent, name, limit) for name, limit in seen.limits.items()}
    unknown = sorted(name for name, share in shares.items() if share is None)
    if unknown:
        why = f"what was used of {', '.join(f'budget.{name}' for name in unknown)} was not measured"
        return refused("budget", policy.severity, LIMIT, f"{why}; at most {LIMIT:.0%} may be")
    stopped = bool(seen.stopped_by)
    passed = not stopped or policy.reached == "pass"
    return Verdict(
        gate="budget",
        outcome=Outcome.PASS if passed else Outcome.FAIL,
        severity=policy.severity,
        observed=max((share for share in shares.values() if share is not None), default=0.0),
        limit=LIMIT,
        because=_ended(seen, stopped=stopped, passed=passed),
        evidence={
            "stopped_by": seen.stopped_by,
            "limits": dict(seen.limits),
            "spent": {name: finite(used) for name, used in seen.spent.items()},
        },
    )


def _share(spent: Mapping[str, float], name: str, limit: float) -> float | None:
    used, most = finite(spent.get(name)), finite(limit)
    if used is None or used < 0 or most is None or most <= 0:
        return None
    return used / most


def _ended(seen: BudgetSeen, *, stopped: bool, passed: bool) -> str:
    used = [
        f"{seen.spent[name]:,.4g} of {limit:,.10g}{UNITS.get(name, '')}"
        for name, limit in seen.limits.items()
    ]
    told = f"used {', '.join(used)}" if used else "the spec sets 0 limits"
    if not stopped:
        return f"training ended by itself; {told}"
    if passed:
        return (
            f"training was stopped, which model_gates.budget lets pass: {seen.stopped_by}; {told}"
        )
    return (
        f"training was stopped: {seen.stopped_by}; {told}; raise the budget, ask for less, "
        "or set model_gates.budget.reached to 'pass'"
    )
