"""Two models on the same rows: the difference of their accuracies, and how sure it is.

Bounds by Tango's score test (1998), Statistics in Medicine 17:891, made for non-inferiority of
paired proportions. Unlike Wald's, it holds its level where nearly all disagreement goes one way
(3 to 5 % false passes at the margin, where Wald's gives up to 7 %), and needs no correction where
the models never disagree.
"""

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

CONFIDENCE = 0.95  # One-sided, on each side: the usual level of a non-inferiority test.
POWER = 0.8  # Chance of a decision at the number of rows named; the usual planning value.
HALVINGS = 50  # Of an interval at most 2 wide: far below one row in any table.


@dataclass(frozen=True, kw_only=True)
class PairedDifference:
    """Accuracy of the candidate minus the champion's, as fractions of rows.

    `gained` rows only the candidate has right, `lost` rows only the champion. `lower` and `upper`
    are one-sided bounds, each at 95 % unless another level was asked for.
    """

    rows: int
    gained: int
    lost: int
    observed: float
    lower: float
    upper: float


def paired_difference(
    candidate: NDArray[np.float64],
    champion: NDArray[np.float64],
    confidence: float = CONFIDENCE,
) -> PairedDifference:
    """Return the difference between two arrays of 1 (right) and 0 (wrong), equal in length.

    Raises:
        ValueError: If they differ in length or are empty.
    """
    rows = len(candidate)
    if rows != len(champion) or not rows:
        raise ValueError(f"rows in pairs are needed, got {rows} and {len(champion)}")
    gained = int(np.count_nonzero(candidate > champion))
    lost = int(np.count_nonzero(candidate < champion))
    return PairedDifference(
        rows=rows,
        gained=gained,
        lost=lost,
        observed=(gained - lost) / rows,
        lower=_lower_bound(rows, gained, lost, confidence),
        upper=-_lower_bound(rows, lost, gained, confidence),
    )


def rows_needed(
    seen: PairedDifference, margin: float, confidence: float = CONFIDENCE
) -> int | None:
    """Return how many rows decide with 80 % power if the models differ as much as seen.

    `None` where the difference seen is the margin itself: no number of rows would decide.
    """
    distance = abs(seen.observed + margin)
    if not distance > 0:
        return None
    at_margin = math.sqrt(_variance(seen.rows, seen.gained, seen.lost, -margin))
    as_seen = math.sqrt(max((seen.gained + seen.lost) / seen.rows - seen.observed**2, 0.0))
    normal = NormalDist()
    reach = normal.inv_cdf(confidence) * at_margin + normal.inv_cdf(POWER) * as_seen
    return max(math.ceil((reach / distance) ** 2), seen.rows + 1)


def power_if_equal(seen: PairedDifference, margin: float, confidence: float = CONFIDENCE) -> float:
    """Return the chance to pass for a model that is truly as good and disagrees as often."""
    half = max(seen.gained + seen.lost, 1) / 2
    at_margin = math.sqrt(_variance(seen.rows, half, half, -margin))
    if_equal = math.sqrt(2 * half / seen.rows)
    needed = NormalDist().inv_cdf(confidence) * at_margin
    return NormalDist().cdf((margin * math.sqrt(seen.rows) - needed) / if_equal)


def _lower_bound(rows: int, gained: int, lost: int, confidence: float) -> float:
    """Return the smallest difference that these counts do not refute at `confidence`."""
    limit = NormalDist().inv_cdf(confidence)
    seen = (gained - lost) / rows
    refuted, kept = -1.0, seen
    for _ in range(HALVINGS):
        middle = (refuted + kept) / 2
        error = math.sqrt(_variance(rows, gained, lost, middle) / rows)
        if seen - middle > limit * error:
            refuted = middle
        else:
            kept = middle
    return kept


def _variance(rows: int, gained: float, lost: float, difference: float) -> float:
    """Return the variance of one row's difference, were the true one `difference`.

    From the most likely share of lost rows under that hypothesis: a quadratic has it as its root.
    """
    a = 2 * rows
    b = -gained - lost + (2 * rows - gained + lost) * difference
    c = -lost * difference * (1 - difference)
    share = (math.sqrt(max(b * b - 4 * a * c, 0.0)) - b) / (2 * a)
    return max(2 * share + difference * (1 - difference), 0.0)
