"""Could a difference of two samples be chance? Tail probabilities, without arrays.

Those that approximate hold from the few hundred rows at which gates compare; each says whose.
"""

import math

LEAST_FOR_Z = 4  # Fisher's z has a variance from four rows on.
NEGLIGIBLE = 1e-15  # Relative: what follows is beyond a double.
MOST_TERMS = 10_000


def normal_tail(z: float) -> float:
    """Return the chance of a standard normal above `z`."""
    return 0.5 * math.erfc(z / math.sqrt(2))


def rise(count: int, rows: int, reference_count: int, reference_rows: int) -> float:
    """Return the chance of a share as large or larger if both samples have one rate; 1 without rows.

    Fisher's exact test (1935), one-sided: it holds for rare events and for shares of nothing.
    """
    if rows < 1 or reference_rows < 1:
        return 1.0
    return _hypergeometric_tail(count, rows, reference_count, reference_rows)


def fall(count: int, rows: int, reference_count: int, reference_rows: int) -> float:
    """Return the chance of a share as small or smaller if both samples have one rate; see `rise`."""
    return rise(rows - count, rows, reference_rows - reference_count, reference_rows)


def change(count: int, rows: int, reference_count: int, reference_rows: int) -> float:
    """Return the chance of a share so different, either way, if both samples have one rate."""
    counts = count, rows, reference_count, reference_rows
    return min(2 * min(rise(*counts), fall(*counts)), 1.0)


def _hypergeometric_tail(count: int, rows: int, before: int, before_rows: int) -> float:
    """Chance that of `rows` drawn from all rows at least `count` are among those that count."""
    hits, total = count + before, rows + before_rows
    if count > hits * rows / total:
        return min(_sum(count, hits, rows, total, step=1), 1.0)
    return max(1 - _sum(count - 1, hits, rows, total, step=-1), 0.0)


def _sum(first: int, hits: int, rows: int, total: int, *, step: int) -> float:
    """Sum the chances of `first`, and of all beyond it away from the mode, where they fall off."""
    least, most = max(0, hits + rows - total), min(hits, rows)
    if not least <= first <= most:
        return 0.0
    logs = _choose(hits, first) + _choose(total - hits, rows - first) - _choose(total, rows)
    term = added = math.exp(logs)
    k = first
    while least <= k + step <= most and term > NEGLIGIBLE * added:
        k += step
        low = k if step > 0 else k + 1  # The ratio of the chances of `low` and `low - 1`.
        ratio = (hits - low + 1) * (rows - low + 1) / (low * (total - hits - rows + low))
        term *= ratio if step > 0 else 1 / ratio
        added += term
    return added


def _choose(n: int, k: int) -> float:
    return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)


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
    freedom as its expectation says.
    """
    if not rows or not reference_rows or expected <= 0:
        return 1.0
    scale = 1 / rows + 1 / reference_rows
    return chi_square_tail(psi / scale, expected / scale)


def chi_square_tail(x: float, freedom: float) -> float:
    """Return the chance of a chi-square above `x`: the regularised upper incomplete gamma function.

    By its series below the middle and its continued fraction (Lentz's method) above, as in Press et
    al., Numerical Recipes, section 6.2.
    """
    a, x = freedom / 2, x / 2
    if x <= 0:
        return 1.0
    scale = math.exp(a * math.log(x) - x - math.lgamma(a))
    if x < a + 1:
        term = added = 1 / a
        while term > NEGLIGIBLE * added:
            a += 1
            term *= x / a
            added += term
        return max(1 - scale * added, 0.0)
    return min(scale * _fraction(a, x), 1.0)


def _fraction(a: float, x: float) -> float:
    b = x + 1 - a
    c, d = 1 / NEGLIGIBLE, 1 / b
    found, change_of_it, n = d, 2.0, 0
    while abs(change_of_it - 1) > NEGLIGIBLE and n < MOST_TERMS:
        n += 1
        b += 2
        d = 1 / (n * (a - n) * d + b)
        c = b + n * (a - n) / c
        change_of_it = c * d
        found *= change_of_it
    return found


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
