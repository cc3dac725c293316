"""Gates on whether a model can be trusted: how it behaves, what it was made from, whether it can be made again."""

from typing import Literal

from pydantic import Field

from mlplatform.spec.section import Gate, Share
from mlplatform.verdict import Severity


class BudgetGate(Gate):
    """What a training that its budget ended is worth: it has the best model so far, and not the best."""

    reached: Literal["fail", "pass"] = "fail"


class BehaviourGate(Gate):
    """The cases of the spec's `behaviour` and of the pipeline's `behaviour.py`, and those that follow from `groups`."""

    max_flips: Share = Field(
        default=0.05,
        description="Of rows whose answer may change when one column of `groups` is set to another of its values.",
    )
    max_move: Share | None = Field(
        default=0.2,
        description="Of a probability; further counts as a changed answer, whatever the class. null: not looked at.",
    )
    max_factor: float | None = Field(
        default=2,
        ge=1,
        description="Between two probabilities of a class, of two, of which one is above the class's average: more "
        "counts as a changed answer, so that rare positives are seen. null: not looked at.",
    )
    max_rows: int = Field(
        default=2000, ge=1, description="Test rows that invariances are tried on."
    )


class DataIntegrityGate(Gate):
    """What the model was made from is on record, passed its gates, and holds no column that it must not use."""


class ReproducibilityGate(Gate):
    """A commit without other changes, locked libraries and a seed are on record.

    It warns: a trial on a laptop is not wrong. Set it to `block` where models are released.
    """

    severity: Severity = Severity.WARN
