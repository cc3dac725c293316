"""Bounds of a difference of two means over rows, and what more rows would tell. Pure arithmetic.

Normal bounds let 6 to 9 % pass where they promise 5 % when few rows carry the difference: the row that
would have shown it is often not among those drawn, and then the deviation is small as well. Two
allowances mend it, both gone with more rows:

- one row more than was seen, as influential as the most influential one: `reach` squared is added to
  the variance (the adjusted Wald bound of Bonett & Price 2012, Journal of Educational and Behavioral
  Statistics 37:479, for a metric of any kind);
- a difference of `d` takes at least `d / reach` rows to make, and their number varies as Poisson's
  does: the variance is at least `|d| * reach` if `d` is the truth. Models that never disagree are so
  bounded by `z² * reach`, as Tango's score bounds them.

How often either bound errs was measured: `docs/gate-statistics.md`.
"""

import math
from dataclasses import dataclass
from statistics import NormalDist

POWER = 0.8  # Chance of a decision at the number of rows named; the usual planning value.
HALVINGS = 40  # Of an interval: far below what any table's rows tell.
MOST = 2.0**40  # Times the rows seen: more would decide nothing that anybody waits for.
NORMAL = NormalDist()


@dataclass(frozen=True, kw_only=True)
class Spread:
    """How far a difference seen on `rows` may lie from the true one.

    Attributes:
        rows: As many as were seen.
        observed: The difference, in the metric's unit.
        variance: Of `observed`, in that unit squared.
        reach: What the most influential row changes, in that unit; more than 0.
    """

    rows: int
    observed: float
    variance: float
    reach: float

    def of(self, times: float) -> "Spread":
        """Return what `times` as many rows of the same kind would show."""
        return Spread(
            rows=math.ceil(self.rows * times),
            observed=self.observed,
            variance=self.variance / times,
            reach=self.reach / times,
        )

    def error(self, truth: float) -> float:
        """Return the standard error that the bounds allow for, were `truth` the difference."""
        return math.sqrt(max(self.variance + self.reach**2, abs(truth) * self.reach))


def bounds(seen: Spread, confidence: float) -> tuple[float, float]:
    """Return the one-sided lower and upper bound, each at `confidence`."""
    return _lower(seen, confidence), -_lower(_mirrored(seen), confidence)


def power_if_equal(seen: Spread, margin: float, confidence: float) -> float:
    """Return the chance to pass for a model that is truly as good, from rows that vary as these.

    It passes where it is seen to be better than `z * error(-margin) - margin`:
    `cdf((margin - z * error(-margin)) / deviation)`.
    """
    needed = NORMAL.inv_cdf(confidence) * seen.error(-margin)
    return NORMAL.cdf((margin - needed) / _deviation(seen))


def rows_needed(seen: Spread, margin: float, confidence: float) -> int | None:
    """Return how many rows decide with 80 % power if the models truly differ as seen.

    The least number at which `|observed + margin|` is at least `z * error(-margin) + z_power *
    deviation`. None where the difference seen is the margin itself: no number of rows decides.
    """
    apart = abs(seen.observed + margin)

    def decided(times: float) -> bool:
        then = seen.of(times)
        reach = NORMAL.inv_cdf(confidence) * then.error(-margin)
        return apart >= reach + NORMAL.inv_cdf(POWER) * _deviation(then)

    if not decided(MOST):
        return None
    low, high = 0.0, math.log(MOST)
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        low, high = (low, middle) if decided(math.exp(middle)) else (middle, high)
    return max(math.ceil(seen.rows * math.exp(high)), seen.rows + 1)


def _deviation(seen: Spread) -> float:
    """Return the standard deviation of what is observed: of one row's change at least."""
    return math.sqrt(max(seen.variance, seen.reach**2))


def _lower(seen: Spread, confidence: float) -> float:
    """Return the smallest difference that is not refuted: `observed - z * error(itself)`."""
    z = NORMAL.inv_cdf(confidence)
    plain = seen.observed - z * math.sqrt(seen.variance + seen.reach**2)
    if abs(plain) * seen.reach <= seen.variance + seen.reach**2:  # Its own error is no larger.
        return plain
    refuted = plain - 2 * z * z * seen.reach - 2 * z * math.sqrt(abs(plain) * seen.reach)
    kept = seen.observed
    for _ in range(HALVINGS):
        middle = (refuted + kept) / 2
        if seen.observed - middle > z * seen.error(middle):
            refuted = middle
        else:
            kept = middle
    return kept


def _mirrored(seen: Spread) -> Spread:
    return Spread(rows=seen.rows, observed=-seen.observed, variance=seen.variance, reach=seen.reach)
