"""Two models on the same rows: the difference of their accuracies, and how sure it is.

Wald interval with the Bonett-Price Laplace adjustment: one row is added to each of the two cells in
which the models disagree. It is recommended for paired proportions by Fagerland, Lydersen & Laake
(2014), Statistics in Medicine 33:2850, and stays honest where the models never disagree: the bound
is then 2.3 / (rows + 2), near the rule of three. Bonett & Price (2012), Journal of Educational and
Behavioral Statistics 37:479.
"""

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

CONFIDENCE = 0.95  # One-sided, on each side: the usual level of a non-inferiority test.
POWER = 0.8  # Chance of a decision at the number of rows named; the usual planning value.


@dataclass(frozen=True, kw_only=True)
class PairedDifference:
    """Accuracy of the candidate minus the champion's, as fractions of rows.

    `gained` rows only the candidate has right, `lost` rows only the champion. `lower` and `upper`
    are one-sided 95 % bounds.
    """

    rows: int
    gained: int
    lost: int
    observed: float
    lower: float
    upper: float


def paired_difference(
    candidate: NDArray[np.float64], champion: NDArray[np.float64]
) -> PairedDifference:
    """Return the difference between two arrays of 1 (right) and 0 (wrong), equal in length."""
    rows = len(candidate)
    gained = int(np.count_nonzero(candidate > champion))
    lost = int(np.count_nonzero(candidate < champion))
    centre = (gained - lost) / (rows + 2)
    reach = NormalDist().inv_cdf(CONFIDENCE) * math.sqrt(_variance(rows, gained, lost) / (rows + 2))
    return PairedDifference(
        rows=rows,
        gained=gained,
        lost=lost,
        observed=(gained - lost) / rows if rows else math.nan,
        lower=max(centre - reach, -1.0),
        upper=min(centre + reach, 1.0),
    )


def rows_needed(seen: PairedDifference, margin: float) -> int | None:
    """Return how many rows decide with 80 % power if the models differ as much as seen.

    `None` where the difference seen is the margin itself: no number of rows would decide.
    """
    distance = abs(seen.observed + margin)
    if not distance > 0:
        return None
    normal = NormalDist()
    reach = normal.inv_cdf(CONFIDENCE) + normal.inv_cdf(POWER)
    needed = reach**2 * _variance(seen.rows, seen.gained, seen.lost) / distance**2
    return max(math.ceil(needed), seen.rows + 1)


def power_if_equal(seen: PairedDifference, margin: float) -> float:
    """Return the chance to pass for a model that is truly as good, on these many rows."""
    disagree = (seen.gained + seen.lost + 2) / (seen.rows + 2)
    signal = margin * math.sqrt((seen.rows + 2) / disagree)
    return NormalDist().cdf(signal - NormalDist().inv_cdf(CONFIDENCE))


def _variance(rows: int, gained: int, lost: int) -> float:
    """Return the variance of one row's difference, with a row added to each disagreeing cell."""
    up, down = (gained + 1) / (rows + 2), (lost + 1) / (rows + 2)
    return up + down - (up - down) ** 2
