"""The exam of every gate. A gate's test class inherits it and says what its inputs look like.

Example:
    class TestArtifactSize(GateContract):
        gate = staticmethod(artifact_size)
        policy, limit = SizeGate(max_megabytes=20), 20
        good, bad = (20_000_000,), (20_000_001,)
        missing = ((None,), (float("nan"),), (0,))
"""

import dataclasses
import json
import re
from collections.abc import Callable, Sequence
from typing import Any

from mlplatform.spec.section import Gate
from mlplatform.verdict import Outcome, Severity, Verdict


class GateContract:
    """What every gate promises, whatever it measures.

    Attributes:
        gate: The gate, `gate(*measured, policy) -> Verdict`.
        policy: The policy it is asked under.
        limit: The limit that policy configures.
        good: Arguments of a measurement that passes.
        bad: Arguments of a measurement that does not pass.
        missing: Arguments of measurements that are missing, empty or not finite.
    """

    gate: Callable[..., Verdict]
    policy: Gate
    limit: float
    good: tuple[Any, ...]
    bad: tuple[Any, ...]
    missing: Sequence[tuple[Any, ...]]

    def judge(self, *measured: Any, severity: Severity = Severity.BLOCK) -> Verdict:
        """Return the gate's verdict on a measurement."""
        return self.gate(*measured, self.policy.model_copy(update={"severity": severity}))

    def test_a_good_measurement_passes_and_a_bad_one_does_not(self) -> None:
        """The gate opens, and it closes."""
        _check(self.judge(*self.good).passed, "a good measurement must pass")
        _check(not self.judge(*self.bad).passed, "a bad measurement must not pass")

    def test_no_evidence_is_never_a_pass(self) -> None:
        """Missing, empty and non-finite measurements are verdicts other than PASS, not errors."""
        for measured in self.missing:
            verdict = self.judge(*measured)
            _check(verdict.outcome is not Outcome.PASS, f"{measured} must not pass: {verdict}")

    def test_the_same_measurement_gets_the_same_verdict(self) -> None:
        """A gate has no memory, no clock and no dice."""
        for measured in self._all():
            _check(self.judge(*measured) == self.judge(*measured), f"{measured}: not the same")

    def test_because_is_one_line_that_holds_a_number(self) -> None:
        """A person reads what was seen, or at least what was wanted."""
        for measured in self._all():
            because = self.judge(*measured).because
            _check(re.search(r"\d", because) is not None, f"no number in {because!r}")
            _check("\n" not in because, f"more than a line: {because!r}")

    def test_the_limit_is_what_was_configured(self) -> None:
        """Also where nothing could be measured."""
        for measured in self._all():
            _check(self.judge(*measured).limit == self.limit, f"{measured}: another limit")

    def test_the_severity_is_what_was_configured(self) -> None:
        """A gate set to warn says so in every verdict, and one set to block does too."""
        for measured in self._all():
            for severity in Severity:
                verdict = self.judge(*measured, severity=severity)
                _check(verdict.severity is severity, f"{measured}: another severity")

    def test_evidence_is_json_and_a_missing_number_is_none(self) -> None:
        """No NaN hides in a verdict, where a comparison would read it as fine."""
        for measured in self._all():
            said = dataclasses.asdict(self.judge(*measured))
            json.dumps(said, allow_nan=False)

    def _all(self) -> list[tuple[Any, ...]]:
        return [self.good, self.bad, *self.missing]


def _check(held: bool, sentence: str) -> None:  # noqa: FBT001 - reads as `check(condition, sentence)`
    if not held:
        raise AssertionError(sentence)
