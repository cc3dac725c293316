"""Gates on a model: what it must be before it is registered."""

from typing import Literal

from pydantic import Field

from mlplatform.spec.section import Gate, Section, Share


class AccuracyGate(Gate):
    """Of classes: at least `minimum`, better than the majority class, and not worse than the champion by `margin`."""

    minimum: Share = 0.0
    margin: Share = Field(default=0.01, description="Non-inferiority margin to the champion.")


class ErrorGate(Gate):
    """Of numbers: at most `maximum`, below the best constant's, and not above the champion's by `margin`."""

    maximum: float | None = Field(
        default=None,
        gt=0,
        description="Root mean square error, or mean pinball loss of quantiles, in the label's unit.",
    )
    margin: Share = Field(
        default=0.01, description="Non-inferiority margin, as a share of the champion's error."
    )


class FairnessGate(Gate):
    """Largest gap of the true positive rate between the groups of one column; of a binary label only."""

    max_gap: Share = 0.2
    min_positives: int = Field(default=50, ge=1, description="Smaller groups are not evidence.")


class LatencyGate(Gate):
    """99th percentile of one-row predictions by the exported program, in milliseconds."""

    max_p99_ms: float = Field(default=50, gt=0)


class SizeGate(Gate):
    """Size of the model artifact."""

    max_megabytes: float = Field(default=50, gt=0)


class BudgetGate(Gate):
    """What a training that its budget ended is worth: it has the best model so far, and not the best."""

    reached: Literal["fail", "pass"] = "fail"


class ModelGates(Section):
    """Gates between `features` and `registered_model`."""

    budget: BudgetGate = BudgetGate()
    accuracy: AccuracyGate = AccuracyGate()
    error: ErrorGate = ErrorGate()
    fairness: FairnessGate = FairnessGate()
    latency: LatencyGate = LatencyGate()
    artifact_size: SizeGate = SizeGate()
