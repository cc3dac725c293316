"""Is a share of rows within a limit? The exact binomial test, its power, and the rows it needs."""

from mlplatform.statistics.compared import ONE_SIDED
from mlplatform.statistics.proportion import exact

DECIDES = 0.8  # The usual power that a sample is sized for.
MOST_ROWS = 100_000_000  # More than anybody labels.
GROWS = 1.02  # How far apart sizes lie that are tried.


def one_sided(hits: int, rows: int, at_once: int = 1) -> tuple[float, float]:
    """Return the two one-sided 95 % bounds of a share, each exact; see `proportion.exact`.

    Args:
        hits: Of the rows.
        rows: At least 1, else the bounds are NaN.
        at_once: Of how many shares this one was picked as the largest: the lower bound then holds for
            all of them (Bonferroni). The upper one needs no correction: all of them have to be below
            the limit (Berger 1982, Technometrics 24:295).
    """
    tail = 1 - ONE_SIDED
    lower = exact(hits, rows, 1 - 2 * tail / at_once)[0]
    return lower, exact(hits, rows, 1 - 2 * tail)[1]


def decided(rows: int, share: float, limit: float) -> float:
    """Return how often so many rows show on which side of `limit` a true `share` lies.

    Both in [0, 1]; at the limit itself it is how often they show it wrongly.
    """
    from scipy.stats import binom  # type: ignore[import-untyped] # SciPy ships no types.

    tail = 1 - ONE_SIDED
    if share <= limit:
        most = int(binom.ppf(tail, rows, limit))  # The least count that more than the tail reaches.
        most -= int(binom.cdf(most, rows, limit) > tail)
        return float(binom.cdf(most, rows, share)) if most >= 0 else 0.0
    least = int(binom.isf(tail, rows, limit)) + 1
    return float(binom.sf(least - 1, rows, share))


def rows_needed(share: float, limit: float) -> int | None:
    """Return about how many rows decide with a power of 80 %; None where no number does."""
    if share == limit or not 0 < limit < 1:
        return None
    rows = 2
    while rows <= MOST_ROWS:
        if decided(rows, share, limit) >= DECIDES:
            return rows
        rows = max(rows + 1, int(rows * GROWS))
    return None
