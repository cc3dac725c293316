"""What a number and a comparison look like, once it is known how sure they are."""

from dataclasses import dataclass

ONE_SIDED = 0.95  # Of each bound that a gate decides by: the usual level of a non-inferiority test.


@dataclass(frozen=True, kw_only=True)
class Interval:
    """One metric of one model: as observed, and between which bounds it lies.

    Attributes:
        rows: Rows it is of.
        observed: NaN where it is not defined for these rows.
        lower: NaN where nothing bounds it.
        upper: As `lower`.
        method: How the bounds were found: "exact", "bootstrap", "normal" or "none".
    """

    rows: int
    observed: float
    lower: float
    upper: float
    method: str


@dataclass(frozen=True, kw_only=True)
class Compared:
    """One metric of two models on the same rows: by how much the candidate is better.

    Attributes:
        metric: Its name.
        rows: Rows in pairs.
        candidate: The candidate's value.
        champion: The champion's.
        better: By how much the candidate is better, negative where it is worse: in the metric's unit, or
            as a share of the champion's value where `relative`.
        lower: One-sided bound of `better`, at 95 % unless another level was asked for; NaN where the rows
            set none.
        upper: The other one.
        margin: By how much it may be worse, at least 0, in the unit of `better`.
        power_if_equal: The chance that a model truly as good is shown to be within the margin.
        rows_needed: Rows that would decide with 80 % power if the models differ as seen; None where
            they are decided already, or the difference is the margin itself.
        relative: Whether `better` is a share of the champion's value.
        gained: Rows only the candidate has right, of recall among the positives; None of a metric that
            is not of right and wrong.
        lost: Rows only the champion has right.
        method: How the bounds were found: "score", "normal", "delong", "fieller" or "none".
    """

    metric: str
    rows: int
    candidate: float
    champion: float
    better: float
    lower: float
    upper: float
    margin: float
    power_if_equal: float | None
    rows_needed: int | None
    relative: bool = False
    gained: int | None = None
    lost: int | None = None
    method: str = "score"
