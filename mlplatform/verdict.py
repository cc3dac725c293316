"""The one answer type of every gate."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Outcome(StrEnum):
    """What the evidence says."""

    PASS = "pass"
    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"


class Severity(StrEnum):
    """What a verdict other than `PASS` does: stop the walk, or be shown and alerted."""

    BLOCK = "block"
    WARN = "warn"


class Inconclusive(StrEnum):
    """What a gate does that blocks and cannot tell: wait for evidence, let it pass with a warning, or ask a person."""

    HOLD = "hold"
    WARN = "warn"
    PERSON = "person"


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """A gate's answer: the outcome and the evidence it rests on.

    `observed`, `limit`, `baseline` and `interval` share the unit of the gate's measurement; a missing measurement is
    `None` and never a pass. `because` is one sentence for a person; `evidence` is JSON-able detail.
    """

    gate: str
    outcome: Outcome
    severity: Severity = Severity.BLOCK
    inconclusive: Inconclusive = Inconclusive.HOLD
    observed: float | None = None
    limit: float | None = None
    baseline: float | None = None
    interval: tuple[float, float] | None = None
    because: str
    evidence: Mapping[str, Any] = field(default_factory=dict)

    @property
    def passed(self) -> bool:
        """Whether the gate lets its subject through."""
        return self.outcome is Outcome.PASS

    @property
    def stops(self) -> bool:
        """Whether the walk ends here, unless a person lets it go on."""
        if self.outcome is Outcome.INCONCLUSIVE and self.inconclusive is Inconclusive.WARN:
            return False
        return self.severity is Severity.BLOCK and not self.passed
