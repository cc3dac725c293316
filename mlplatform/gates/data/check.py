"""A data gate holds many numbers against limits: each is a `Check`, together they are a `Verdict`."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from mlplatform.gates.answer import finite
from mlplatform.spec.section import Gate
from mlplatform.verdict import Outcome, Verdict

NAMED = 3  # Breaches told in the sentence; the evidence has them all.
NEAREST = 20  # Columns within their limits that the evidence shows, the nearest to them first.


@dataclass(frozen=True, kw_only=True)
class Check:
    """One number of one column against its limit.

    `p` is the chance of the number where nothing changed; None where chance plays no part. `why`
    is a clause for a person, with the numbers.
    """

    column: str
    measure: str
    observed: float | None  # None, NaN or infinite was not measured, and breaks the limit.
    limit: float
    why: str
    expected: float | None = None
    p: float | None = None

    def broken(self, alpha: float) -> bool:
        """Whether the number is missing, or beyond its limit and not chance at this rate."""
        observed = finite(self.observed)
        if observed is None:
            return True
        return observed > self.limit and (self.p is None or not self.p >= alpha)

    @property
    def ratio(self) -> float:
        """The number in limits, for ordering: infinite where it was not measured."""
        observed = finite(self.observed)
        if observed is None:
            return math.inf
        if self.limit > 0:
            return observed / self.limit
        return math.inf if observed > 0 else 0.0


def verdict(
    gate: str,
    policy: Gate,
    checks: Sequence[Check],
    *,
    passed: str,
    limit: float,
    advice: str = "",
    alpha: float = 1.0,
    evidence: Mapping[str, Any] | None = None,
) -> Verdict:
    """Return FAIL if a check is broken, else PASS; of no checks at all, PASS at 0 of `limit`.

    `observed` and `limit` are those of the worst check. `alpha` is shared by the checks that chance
    plays a part in (Bonferroni). `passed` is the sentence where nothing is broken; `advice` says
    what to do about a breach.
    """
    share = alpha / max(sum(check.p is not None for check in checks), 1)
    broken = [check for check in checks if check.broken(share)]
    order = sorted(broken or checks, key=lambda check: -check.ratio)
    worst = order[0] if order else None
    observed = finite(worst.observed) if worst else 0.0
    told = broken_sentence(order, advice) if broken else _held(passed, worst)
    return Verdict(
        gate=gate,
        outcome=Outcome.FAIL if broken else Outcome.PASS,
        severity=policy.severity,
        observed=observed,
        limit=worst.limit if worst else limit,
        baseline=finite(worst.expected) if worst else None,
        because=one_line(told),
        evidence={"columns": _columns(broken, checks, share), **(evidence or {})},
    )


def broken_sentence(order: Sequence[Check], advice: str) -> str:
    """Return the worst breaches, how many columns more have one, and what to do, as one sentence."""
    first: dict[str, list[Check]] = {}
    for check in order:
        first.setdefault(check.column, []).append(check)
    told = "; ".join(checks[0].why for checks in list(first.values())[:NAMED])
    more = len(first) - NAMED
    rest = f"; and {more} more column{'s' if more > 1 else ''}" if more > 0 else ""
    return f"{told}{rest}{'; ' if advice else ''}{advice}"


def one_line(text: str) -> str:
    """Return `text` with every run of blanks, line ends among them, as one blank."""
    return " ".join(text.split())


def plain(value: Any) -> Any:
    """Return `value` as JSON can hold it: times in ISO 8601, other things in words."""
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, bytes):
        return [plain(item) for item in value]
    return repr(value)


def _held(passed: str, nearest: Check | None) -> str:
    if nearest is None or nearest.ratio == 0:
        return passed
    return f"{passed}; nearest to its limit: {nearest.why}"


def _columns(
    broken: Sequence[Check], checks: Sequence[Check], alpha: float
) -> list[dict[str, Any]]:
    """Every breach, then what was nearest to one."""
    calm = sorted((c for c in checks if not c.broken(alpha)), key=lambda check: -check.ratio)
    worst = sorted(broken, key=lambda check: -check.ratio)
    return [
        {
            "column": check.column,
            "measure": check.measure,
            "observed": finite(check.observed),
            "limit": check.limit,
            "expected": finite(check.expected),
            "p": finite(check.p),
            "broken": check in broken,
        }
        for check in [*worst, *calm[:NEAREST]]
    ]
