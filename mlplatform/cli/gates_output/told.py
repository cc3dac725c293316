"""What a verdict means for a build, in one of five words, with overrides counted."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from mlplatform.alerts.failures import overridden, overrides
from mlplatform.verdict import Outcome, Verdict

NOTHING = "no gate judged; that is no pass"


class Result(StrEnum):
    """What one gate, or all of them, mean for the build. The first two stop it."""

    FAIL = "FAIL"
    INCONCLUSIVE = "INCONCLUSIVE"
    OVERRIDDEN = "OVERRIDDEN"
    WARNING = "WARNING"
    PASS = "PASS"  # noqa: S105  an outcome, not a password

    @property
    def stops(self) -> bool:
        """Whether it ends the build."""
        return self in (Result.FAIL, Result.INCONCLUSIVE)

    @property
    def mark(self) -> str:
        """A sign that differs by shape, not by colour alone."""
        return MARKS[self]


MARKS = {
    Result.FAIL: "❌",
    Result.INCONCLUSIVE: "❔",
    Result.OVERRIDDEN: "⏭️",
    Result.WARNING: "⚠️",
    Result.PASS: "✅",
}


@dataclass(frozen=True, kw_only=True)
class Told:
    """One verdict, and the override that lets it through, in words."""

    verdict: Verdict
    override: str = ""

    @property
    def result(self) -> Result:
        """What it means for the build."""
        if self.verdict.passed:
            return Result.PASS
        if not self.verdict.stops:
            return Result.WARNING
        if self.override:
            return Result.OVERRIDDEN
        return Result.FAIL if self.verdict.outcome is Outcome.FAIL else Result.INCONCLUSIVE


def told(verdicts: Sequence[Verdict], given: Sequence[Mapping[str, Any]] = ()) -> list[Told]:
    """Return the verdicts with the overrides that apply, `given` or named in the evidence of one.

    An override has `gate`, `outcome`, `by`, `because`, `at` and `until`. One of an inconclusive
    verdict does not let a failed one through.
    """
    named = [one for verdict in verdicts for one in overrides(verdict) if one.get("gate")]
    found: dict[str, str] = {}
    for verdict in verdicts:
        for one in (*given, *named):
            if one.get("gate") == verdict.gate and _covers(str(one.get("outcome")), verdict):
                found[verdict.gate] = overridden(one)
    return [Told(verdict=v, override=found.get(v.gate, "")) for v in verdicts]


def result(said: Sequence[Told]) -> Result:
    """Return the worst of them; nothing judged is a failure."""
    results = {one.result for one in said}
    return next((one for one in Result if one in results), Result.FAIL)


def counted(said: Sequence[Told]) -> str:
    """Return how many came out how, in words."""
    if not said:
        return NOTHING
    words = {
        Result.FAIL: "failed",
        Result.INCONCLUSIVE: "inconclusive",
        Result.OVERRIDDEN: "overridden",
        Result.WARNING: "with a warning",
        Result.PASS: "passed",
    }
    results = [one.result for one in said]
    parts = [f"{results.count(one)} {word}" for one, word in words.items() if one in results]
    return f"{len(said)} gates: {', '.join(parts)}"


def _covers(outcome: str, verdict: Verdict) -> bool:
    return verdict.outcome is Outcome.INCONCLUSIVE or outcome == Outcome.FAIL.value
