"""Verdicts of every kind, as gates give them."""

from typing import Any

from mlplatform.verdict import Inconclusive, Outcome, Severity, Verdict

OVERRIDE = {
    "gate": "fairness", "outcome": "fail", "by": "ada", "because": "retrained next week",
    "at": "2026-01-01T00:00:00+00:00", "until": "2026-01-08T00:00:00+00:00",
}  # fmt: skip
COMPARED = {
    "metric": "accuracy", "rows": 2000, "candidate": 0.81, "champion": 0.83, "better": -0.02,
    "lower": -0.031, "upper": -0.009, "margin": 0.01, "gained": 40, "lost": 80, "relative": False,
}  # fmt: skip


def gave(gate: str = "latency", **changes: Any) -> Verdict:
    """Return a verdict; it fails unless told otherwise."""
    return Verdict(**{"gate": gate, "outcome": Outcome.FAIL, "because": "too slow", **changes})


PASSED = gave("budget", outcome=Outcome.PASS, because="ended by itself")
FAILED = gave(
    "performance", observed=0.81, limit=0.8, baseline=0.83, interval=(0.79, 0.83),
    because="accuracy may be 3.1 points worse", evidence={"compared": [COMPARED]},
)  # fmt: skip
HELD = gave("calibration", outcome=Outcome.INCONCLUSIVE, because="needs 4,000 rows")
WARNS = gave("artifact_size", severity=Severity.WARN, because="3 MB of 2 MB")
LETS_PASS = gave("behaviour", outcome=Outcome.INCONCLUSIVE, inconclusive=Inconclusive.WARN)
UNFAIR = gave("fairness", because="5 points between groups")
