"""Could a difference of two samples be chance? Tail probabilities, without arrays.

All are approximations that hold from the few hundred rows at which gates compare; each says whose.
"""

import math

LEAST_FOR_Z = 4  # Fisher's z has a variance from four rows on.
ANSCOMBE = 3 / 8  # Anscombe (1948): the constant that steadies an arcsine share's variance best.
HALF = 0.5  # Continuity: a count is the middle of a step of a smooth distribution.


def normal_tail(z: float) -> float:
    """Return the chance of a standard normal above `z`."""
    return 0.5 * math.erfc(z / math.sqrt(2))


def rise(count: int, rows: int, reference_count: int, reference_rows: int) -> float:
    """Return the chance of a share as large or larger if both samples have one rate.

    One-sided, on the arcsine scale, where the variance of a share hardly depends on the rate, with
    Anscombe's 3/8 (1948, Biometrika 35:246) and a continuity correction, so that it holds for rare
    events too. 1 without rows.
    """
    return _tail(count - HALF, rows, reference_count, reference_rows, side=1)


def fall(count: int, rows: int, reference_count: int, reference_rows: int) -> float:
    """Return the chance of a share as small or smaller if both samples have one rate; see `rise`."""
    return _tail(count + HALF, rows, reference_count, reference_rows, side=-1)


def change(count: int, rows: int, reference_count: int, reference_rows: int) -> float:
    """Return the chance of a share so different, either way, if both samples have one rate."""
    counts = count, rows, reference_count, reference_rows
    return min(2 * min(rise(*counts), fall(*counts)), 1.0)


def _tail(count: float, rows: int, before: float, before_rows: int, *, side: int) -> float:
    if rows < 1 or before_rows < 1:
        return 1.0
    apart = side * (_angle(count, rows) - _angle(before, before_rows))
    return normal_tail(apart / math.sqrt(1 / rows + 1 / before_rows))


def _angle(count: float, rows: int) -> float:
    share = (count + ANSCOMBE) / (rows + 2 * ANSCOMBE)
    return 2 * math.asin(math.sqrt(min(max(share, 0.0), 1.0)))


def correlation_change(
    r: float, rows: int, reference_r: float, reference_rows: int, inflation: float = 1.0
) -> float:
    """Return the chance of two correlations so different, either way, if the true one is the same.

    Fisher's z (1921), of variance 1 / (rows - 3) for normal columns and up to `inflation` times
    that for columns with heavy tails.
    """
    if min(rows, reference_rows) < LEAST_FOR_Z:
        return 1.0
    apart = abs(_fisher(r) - _fisher(reference_r))
    variance = inflation * (1 / (rows - 3) + 1 / (reference_rows - 3))
    return min(2 * normal_tail(apart / math.sqrt(variance)), 1.0)


def _fisher(r: float) -> float:
    just_below = 1 - 1e-9  # Two equal columns have r = 1, and an infinite z.
    return math.atanh(min(max(r, -just_below), just_below))


def psi_tail(psi: float, expected: float, rows: int, reference_rows: int) -> float:
    """Return the chance of a PSI this large with no drift, in nats; 1 without rows or bins.

    PSI is then near (1/n + 1/m) times a chi-square (Yurdakul & Naranjo 2020) of as many degrees of
    freedom as its expectation says; its tail by Wilson & Hilferty (1931).
    """
    if not rows or not reference_rows or expected <= 0:
        return 1.0
    scale = 1 / rows + 1 / reference_rows
    return chi_square_tail(psi / scale, expected / scale)


def chi_square_tail(x: float, freedom: float) -> float:
    """Return the chance of a chi-square above `x` (Wilson & Hilferty 1931, PNAS 17:684)."""
    spread = 2 / (9 * freedom)
    return normal_tail((math.cbrt(max(x, 0.0) / freedom) - (1 - spread)) / math.sqrt(spread))


def share_apart(distance: float, rows: int, reference_rows: int) -> float:
    """Return at most the chance of a category's shares `distance` apart, either way.

    A share's variance is largest at one half, so this holds for whichever category it was.
    """
    if not rows or not reference_rows:
        return 1.0
    spread = 0.5 * math.sqrt(1 / rows + 1 / reference_rows)
    return min(2 * normal_tail(distance / spread), 1.0)


def mean_moved(deviations: float, rows: int, reference_rows: int) -> float:
    """Return the chance of two means so many deviations apart, either way, if nothing moved."""
    if not rows or not reference_rows:
        return 1.0
    return min(2 * normal_tail(deviations / math.sqrt(1 / rows + 1 / reference_rows)), 1.0)
