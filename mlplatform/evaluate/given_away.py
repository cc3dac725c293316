"""Which rows of the rarer class does one value alone give away?

A flag that is set for most positives and hardly a negative tells nothing of the rows without it, so its
AUC and its information are those of a good feature. What it does tell, it tells nearly surely.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaincinv  # type: ignore[import-untyped] # SciPy ships no types.

LEAST_ROWS = 30  # Of a value: fewer show nothing nearly surely.
# By which a value multiplies the odds of the rarer class: of 5 % it makes 72 %, of a quarter 94 %.
SURELY = 50.0
TAIL = 0.05  # The chance that a value's odds are above its bound and the truth is not.

Counts = NDArray[np.int64]


@dataclass(frozen=True)
class Given:
    """The share of the rarer class's rows given away, and the value that gives most, in words."""

    share: float
    words: str = ""


NOTHING = Given(0.0)


def given_away(negative: Counts, positive: Counts, what: str, value: Callable[[int], str]) -> Given:
    """Return what values say nearly surely: int64[values] rows of each class by value.

    A value counts with at least `LEAST_ROWS` rows, whose exact one-sided 95 % bound (Clopper & Pearson
    1934) of the rarer class's odds is at least `SURELY` times those of all rows. Which values do is
    found in the rows that are counted, which so many rows of so many odds leave no room for.

    Args:
        negative: Rows of one class.
        positive: And of the other.
        what: The positive class, in words.
        value: The name of a value by its place.
    """
    swapped = positive.sum() > negative.sum()
    rare, other = (negative, positive) if swapped else (positive, negative)
    if not rare.sum() or not other.sum():
        return NOTHING
    rows, base = rare + other, float(rare.sum() / other.sum())
    enough = np.flatnonzero((rows >= LEAST_ROWS) & (rare >= SURELY * base * other) & (rare > 0))
    least = betaincinv(rare[enough], other[enough] + 1, TAIL)  # Of the share; 1 would be no odds.
    sure = enough[least >= SURELY * base * (1 - least)]
    if not len(sure):
        return NOTHING
    most = int(sure[np.argmax(rare[sure])])
    are = f"are {'not ' if swapped else ''}of {what}"
    share, of_all = rare[most] / rows[most], rare.sum() / rows.sum()
    words = f"of {rows[most]:,} rows {value(most)}, {share:.1%} {are}, of all {of_all:.1%}"
    return Given(float(rare[sure].sum() / rare.sum()), words)
