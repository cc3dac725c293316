"""Gates on how good a model is: by itself, against the live one, for every group, and of its own sureness."""

from collections.abc import Mapping
from typing import Literal, Self

from pydantic import Field, ValidationError, model_validator

from mlplatform.spec.label import Kind
from mlplatform.spec.margins import Margin
from mlplatform.spec.section import ColumnName, Gate, Section, Share

DISPARATE_IMPACT = "disparate_impact"  # A ratio, and so better when larger, unlike the gaps.
ERROR_RATIO = "error_ratio"
# The criterion that each limit is of, and the limits that mean something by what is predicted.
CRITERIA = {
    "max_accuracy_gap": "accuracy_gap",
    "max_equalized_odds": "equalized_odds",
    "max_demographic_parity": "demographic_parity",
    "min_disparate_impact": DISPARATE_IMPACT,
    "max_error_ratio": ERROR_RATIO,
}
JUDGED: Mapping[Kind, tuple[str, ...]] = {
    "binary": tuple(name for name, of in CRITERIA.items() if of != ERROR_RATIO),
    "multiclass": ("max_accuracy_gap",),
    "regression": ("max_error_ratio",),
}


class MetricRule(Section):
    """What one metric has to be: by itself, and against the champion on the same rows."""

    minimum: float | None = Field(default=None, description="Of what is better when larger.")
    maximum: float | None = Field(default=None, description="Of what is better when smaller.")
    margin: float | None = Field(
        default=0.01,
        ge=0,
        description="Non-inferiority margin to the champion, in the metric's unit; of rmse, mae and pinball a "
        "share of the champion's. At most 0.2, of log_loss 1. null: not compared.",
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

    margin: Margin = Field(
        default=0.01,
        description="Of accuracy; of errors of numbers a share of the champion's. At most 0.2.",
    )
    min_rows: int = Field(default=100, ge=1, description="Of a slice; smaller ones are named only.")


class FairnessGate(Gate):
    """How differently the groups of each column in `groups` are treated; null turns a question off.

    A group counts where a rate of it is over `min_rows` rows, or where it has that many in all and
    holds `min_share` of the rows: then it holds the model up until its rates are known. So a large
    group is never left out because few of its rows are positive, and a rare one, of which no test
    set tells enough, does not hold every model up: it is named, and still fails the gate where its
    exact bounds show it to be beyond a limit.
    """

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
    max_error_ratio: float | None = Field(
        default=None,
        ge=1,
        description="Of numbers: largest over smallest mean absolute error, of quantiles pinball loss.",
    )
    max_increase: Share | None = Field(
        default=0.1,
        description="By which a gap may exceed the champion's on the same rows; of the error ratio a "
        "share of the champion's.",
    )
    min_rows: int = Field(
        default=50, ge=2, description="That a rate of a group is over, or a group has in all."
    )
    min_share: Share = Field(
        default=0.01, description="Of all rows; with it a group counts though a rate is over few."
    )
    intersections: dict[str, float | None] | None = Field(
        default={},
        description="Limits, by the names above, that differ for the intersections of two columns, "
        "which are smaller; null: they are not judged.",
    )

    @model_validator(mode="after")
    def _intersections_have_limits(self) -> Self:
        known = [*CRITERIA, "max_increase"]
        for name in self.intersections or {}:
            if name not in known:
                raise ValueError(f"intersections names {name!r}; known: {', '.join(known)}")
        try:
            self.of_intersections()
        except ValidationError as wrong:
            problem = wrong.errors()[0]
            where = f"intersections.{problem['loc'][0]}"
            raise ValueError(f"{where}: got {problem['input']!r}; {problem['msg']}") from None
        return self

    def limits(self, task: Kind = "binary") -> dict[str, float]:
        """Return the limit of each criterion that is asked for and defined for labels of this task."""
        asked = {CRITERIA[name]: getattr(self, name) for name in JUDGED[task]}
        return {name: limit for name, limit in asked.items() if limit is not None}

    def of_intersections(self) -> "FairnessGate | None":
        """Return the policy for intersections of two columns; None where they are not judged."""
        if self.intersections is None:
            return None
        return type(self).model_validate(
            {**dict(self), **self.intersections, "intersections": None}
        )


class CalibrationGate(Gate):
    """Does a probability mean what it says; do quantiles hold the share that they promise?"""

    max_error: Share = Field(
        default=0.1,
        description="Expected calibration error; of quantiles the largest gap of a quantile's share; of numbers "
        "the mean error as a share of the label's deviation.",
    )
    max_tail_error: Share = Field(
        default=0.5,
        description="Of each quantile its gap also as a share of its tail, which is 0.1 of 0.1 and of 0.9.",
    )
    max_ratio: float | None = Field(
        default=1.5,
        gt=1,
        description="By which factor the rarer of two classes may be said more or less often than it is "
        "seen, on all rows. null: it may by any.",
    )
