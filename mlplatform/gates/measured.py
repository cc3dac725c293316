"""What the gates on how good a model is have in common: rows that decide nothing, and a live model without answers."""

from collections.abc import Mapping, Sequence
from math import ceil
from statistics import NormalDist
from typing import Any, Protocol

from mlplatform.gates.answer import Finding, finite, sentence, worst
from mlplatform.model_measures import Opponent
from mlplatform.spec.section import Gate
from mlplatform.verdict import Outcome, Verdict

WAY_OUT = "`mlplatform gate override` lets a person decide"
NORMAL = NormalDist()
# Standard errors that a 95 % bound and 80 % power take, over those of the bound alone.
POWER = (NORMAL.inv_cdf(0.95) + NORMAL.inv_cdf(0.8)) / NORMAL.inv_cdf(0.95)
SHOWN = 12  # Characters of a digest: enough to tell models apart, as in git.


class Measured(Protocol):
    """A measurement on test rows."""

    @property
    def rows(self) -> int:
        """Test rows."""

    @property
    def unusable(self) -> int:
        """Rows without a usable answer."""

    @property
    def single(self) -> str:
        """Why their labels tell no model from another."""


def undecided(seen: Measured | None, needed: str) -> Finding | None:
    """Return why nothing can be judged by this measurement, with what was `needed`; None where it can."""
    if seen is None:
        return Finding(outcome=Outcome.FAIL, because=f"the model was not scored; {needed}")
    if not seen.rows:
        return Finding(outcome=Outcome.FAIL, because=f"the model was scored on 0 rows; {needed}")
    if seen.unusable:
        why = f"{seen.unusable:,} of {counted(seen.rows)} have no usable prediction; {needed}"
        return Finding(outcome=Outcome.FAIL, because=why)
    if seen.single:
        why = f"{seen.single}, so nothing can be told of a model; {needed}"
        return Finding(outcome=Outcome.INCONCLUSIVE, because=why)
    return None


def counted(rows: int) -> str:
    """Return "1 row", "2,000 rows"."""
    return f"{rows:,} row{'' if rows == 1 else 's'}"


def named(champion: Opponent) -> str:
    """Return the live model's name in a sentence."""
    return f"champion {champion.digest[:SHOWN]}"


def unscored(champion: Opponent, margin: float) -> Finding:
    """Return that a live model could not be compared, why, and what to do."""
    why = (
        f"cannot compare with {named(champion)} (margin {margin:g}): {champion.unscored}; {WAY_OUT}"
    )
    return Finding(outcome=Outcome.INCONCLUSIVE, because=why)


def verdict(
    gate: str,
    policy: Gate,
    findings: Sequence[Finding],
    evidence: Mapping[str, Any] | None = None,
    **numbers: Any,
) -> Verdict:
    """Return the verdict that the findings add up to, with each of them in its evidence."""
    said = [{"outcome": each.outcome.value, "because": each.because} for each in findings]
    return Verdict(
        gate=gate,
        outcome=worst(findings),
        severity=policy.severity,
        inconclusive=policy.inconclusive,
        because=sentence(findings),
        evidence={**(evidence or {}), "findings": said},
        **numbers,
    )


def interval(lower: float | None, upper: float | None) -> tuple[float, float] | None:
    """Return both bounds, or None where one is missing or not finite."""
    known = finite(lower), finite(upper)
    return None if None in known else known  # type: ignore[return-value]  # Neither is None.


def rows_needed(rows: int, observed: float, lower: float, upper: float, limit: float) -> int | None:
    """Return how many rows like these decide with 80 % power if the truth is as seen.

    None where it is seen on the limit itself: no number of rows would decide.
    """
    distance = observed - limit
    reach = observed - lower if distance > 0 else upper - observed
    if not distance or not reach > 0:
        return None
    return max(ceil(rows * (POWER * reach / distance) ** 2), rows + 1)
