"""Gates on how good a model is: by itself, against the live one, for every group, and of its own sureness."""

from typing import Literal

from pydantic import Field

from mlplatform.spec.label import Kind
from mlplatform.spec.section import ColumnName, Gate, Section, Share

DISPARATE_IMPACT = "disparate_impact"  # A ratio, and so better when larger, unlike the gaps.


class MetricRule(Section):
    """What one metric has to be: by itself, and against the champion on the same rows."""

    minimum: float | None = Field(default=None, description="Of what is better when larger.")
    maximum: float | None = Field(default=None, description="Of what is better when smaller.")
    margin: float | None = Field(
        default=0.01,
        ge=0,
        description="Non-inferiority margin to the champion, in the metric's unit; of rmse, mae and pinball a "
        "share of the champion's. null: not compared.",
    )


class TrivialBaseline(Section):
    """What a model has to beat that anybody can do without one."""

    kind: Literal["constant", "last_value"] = Field(
        default="constant",
        description="The majority class, the prior, the mean or the quantiles; or the label last known before "
        "the row's event time.",
    )
    entity: ColumnName | None = Field(
        default=None, description="Whose last value; of all rows if left out."
    )


class PerformanceGate(Gate):
    """Good enough, better than a trivial baseline, and not worse than the champion by a margin."""

    metrics: dict[str, MetricRule] = Field(
        default={},
        description="Left out: accuracy and auc of two classes, accuracy of several, rmse of numbers, pinball of "
        "quantiles, each against the champion by a margin of 0.01.",
    )
    baseline: TrivialBaseline = TrivialBaseline()


class RegressionGate(Gate):
    """Nothing is shown to be worse than in production by more than the margin: not overall, and not for any slice."""

    margin: float = Field(
        default=0.01,
        ge=0,
        description="Of accuracy; of errors of numbers a share of the champion's.",
    )
    min_rows: int = Field(default=100, ge=1, description="Of a slice; smaller ones are named only.")


class FairnessGate(Gate):
    """How differently the groups of each column in `groups` are treated; null turns a question off."""

    max_accuracy_gap: Share | None = Field(
        default=0.1, description="Largest difference of accuracy."
    )
    max_equalized_odds: Share | None = Field(
        default=0.2,
        description="Larger of the gaps of the true and the false positive rate: fairlearn's "
        "equalized_odds_difference.",
    )
    max_demographic_parity: Share | None = Field(
        default=None, description="Largest difference of the selection rate."
    )
    min_disparate_impact: Share | None = Field(
        default=None,
        description="Smallest over largest selection rate; four fifths by 29 CFR 1607.4(D).",
    )
    max_increase: Share | None = Field(
        default=0.05, description="By which a gap may exceed the champion's on the same rows."
    )
    min_rows: int = Field(
        default=50, ge=2, description="That a rate of a group is over; of fewer it is no evidence."
    )

    def limits(self, task: Kind = "binary") -> dict[str, float]:
        """Return the limit of each criterion that is asked for and defined for labels of this task.

        All are of two classes; of several the accuracy gap alone.
        """
        limits = {
            "accuracy_gap": self.max_accuracy_gap,
            "equalized_odds": self.max_equalized_odds,
            "demographic_parity": self.max_demographic_parity,
            DISPARATE_IMPACT: self.min_disparate_impact,
        }
        defined = {"binary": set(limits), "multiclass": {"accuracy_gap"}}.get(task, set())
        return {n: limit for n, limit in limits.items() if limit is not None and n in defined}


class CalibrationGate(Gate):
    """Does a probability mean what it says; do quantiles hold the share that they promise?"""

    max_error: Share = Field(
        default=0.1,
        description="Expected calibration error; of quantiles the largest gap of a quantile's share; of numbers "
        "the mean error as a share of the label's deviation.",
    )
