"""How far two distributions lie apart, by counts in the same bins. What is too far is policy."""

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mlplatform.errors import PlatformError

FLOOR = 1e-4  # Share given to an empty bin so the log is finite; one bin then adds at most 9.3.
TERMS = 101  # Of Kolmogorov's series: the last is below 1e-8 for any argument that matters.
CERTAIN = 0.2  # Below this argument Kolmogorov's p is 1 within 1e-12.


class BinMismatchError(PlatformError):
    """Two histograms were cut differently, so their bins are not the same bins."""


class EmptyWindowError(PlatformError):
    """There are no rows, so no share of them is known."""


def psi(reference: ArrayLike, counts: ArrayLike) -> float:
    """Return the population stability index: 0 for equal shares, more the further apart, in nats.

    The symmetric divergence J of Kullback & Leibler (1951, doi:10.1214/aoms/1177729694).

    Raises:
        BinMismatchError: If the two have not equally many bins.
        EmptyWindowError: If one of them has no rows.
    """
    r, c = (np.maximum(part, FLOOR) for part in _shares(reference, counts))
    return float(np.sum((c - r) * np.log(c / r)))


def expected_psi(reference: ArrayLike, counts: ArrayLike) -> float:
    """Return the PSI that two samples of one population of these sizes show on average, in nats.

    (B - 1)(1/n + 1/m), of the B bins in which either has a row: J is then near (1/n + 1/m) times a
    chi-square of B - 1 degrees of freedom (Yurdakul & Naranjo (2020), Journal of Risk Model
    Validation 14(4)). 100 rows a side give 0.18 with ten bins, which is why PSI alone calls small
    windows drifted. Errors as in `psi`.
    """
    r, c = _counts(reference, counts)
    held = int(np.count_nonzero(r + c))
    return max(held - 1, 0) * (1 / float(r.sum()) + 1 / float(c.sum()))


def excess_psi(reference: ArrayLike, counts: ArrayLike) -> float:
    """Return the PSI beyond what chance gives two samples of these sizes, at least 0, in nats."""
    return max(psi(reference, counts) - expected_psi(reference, counts), 0.0)


def ks(reference: ArrayLike, counts: ArrayLike) -> tuple[float, float]:
    """Return the Kolmogorov-Smirnov distance D of two samples, and its p, by ordered bins.

    D is the largest difference of the cumulated shares at a bin's end; differences inside a bin are
    not seen, so D is at most that of the values themselves, and less by no more than the larger
    share that a bin holds. p is asymptotic, with Stephens' correction (1970), and too large where
    many values are equal. Errors as in `psi`.
    """
    r, c = _shares(reference, counts)
    distance = float(np.abs(np.cumsum(r) - np.cumsum(c)).max(initial=0.0))
    n, m = (float(part.sum()) for part in _counts(reference, counts))
    root = math.sqrt(n * m / (n + m))
    return min(distance, 1.0), _kolmogorov((root + 0.12 + 0.11 / root) * distance)


def jensen_shannon(reference: ArrayLike, counts: ArrayLike) -> float:
    """Return the Jensen-Shannon divergence to base 2, in [0, 1] bits, as TFDV's.

    Lin (1991, doi:10.1109/18.61115). Errors as in `psi`.
    """
    r, c = _shares(reference, counts)
    middle = (r + c) / 2
    return min(max((_relative(r, middle) + _relative(c, middle)) / 2, 0.0), 1.0)


def l_infinity(reference: ArrayLike, counts: ArrayLike) -> float:
    """Return the largest difference of the shares of one bin, in [0, 1]. Errors as in `psi`."""
    r, c = _shares(reference, counts)
    return float(np.abs(r - c).max(initial=0.0))


def _counts(
    reference: ArrayLike, counts: ArrayLike
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    r, c = np.asarray(reference, np.float64), np.asarray(counts, np.float64)
    if r.shape != c.shape or r.ndim != 1:
        raise BinMismatchError(f"a distance needs equal bins: {r.shape} and {c.shape}")
    if not r.sum() > 0 or not c.sum() > 0:
        raise EmptyWindowError("no rows in this window; drift cannot be measured")
    return r, c


def _shares(
    reference: ArrayLike, counts: ArrayLike
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    r, c = _counts(reference, counts)
    return r / r.sum(), c / c.sum()


def _relative(p: NDArray[np.float64], q: NDArray[np.float64]) -> float:
    held = p > 0
    return float(np.sum(p[held] * np.log2(p[held] / q[held])))


def _kolmogorov(x: float) -> float:
    """Return P(K > x) of Kolmogorov's distribution: 2 sum (-1)^(j-1) exp(-2 j² x²)."""
    if x < CERTAIN:
        return 1.0
    j = np.arange(1, TERMS)
    return float(np.clip(2 * np.sum((-1.0) ** (j - 1) * np.exp(-2 * (j * x) ** 2)), 0.0, 1.0))
