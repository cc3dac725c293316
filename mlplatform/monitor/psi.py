"""Population stability index (PSI): has one column moved since training?

The symmetric divergence J of Kullback & Leibler (1951), over two histograms, in nats. How far is
too far is policy, and lives in the spec.
"""

import numpy as np

from mlplatform.monitor.histogram import BinMismatchError, EmptyWindowError, Histogram

FLOOR = 1e-4  # Share given to an empty bin so the log is finite; one bin then adds at most 9.3.


def psi(reference: Histogram, current: Histogram) -> float:
    """Return 0 for equal shares and more the further apart they are, in nats.

    Raises:
        BinMismatchError: If the two were not counted in the same bins.
        EmptyWindowError: If one of them has no rows.
    """
    if reference.bins != current.bins:
        raise BinMismatchError(f"psi needs equal bins: {reference.bins} and {current.bins}")
    r, c = np.maximum(reference.shares, FLOOR), np.maximum(current.shares, FLOOR)
    return float(np.sum((c - r) * np.log(c / r)))


def expected_without_drift(reference: Histogram, current: Histogram) -> float:
    """Return the PSI that two samples of one population of these sizes show on average, in nats.

    (B - 1)(1/n + 1/m), of the B bins in which either has a row: J is then near (1/n + 1/m) times a
    chi-square of B - 1 degrees of freedom (Yurdakul & Naranjo (2020), Journal of Risk Model
    Validation 14(4)). 100 rows a side give 0.18 with ten bins, which is why PSI alone calls small
    windows drifted.

    Raises:
        EmptyWindowError: If one of them has no rows.
    """
    if not reference.rows or not current.rows:
        raise EmptyWindowError("no rows in this window; drift cannot be measured")
    held = np.array(reference.counts) + np.array(current.counts) > 0
    occupied = int(np.count_nonzero(held))
    return max(occupied - 1, 0) * (1 / reference.rows + 1 / current.rows)


def excess_psi(reference: Histogram, current: Histogram) -> float:
    """Return the PSI beyond what chance gives two samples of these sizes, at least 0, in nats.

    Raises:
        BinMismatchError: If the two were not counted in the same bins.
        EmptyWindowError: If one of them has no rows.
    """
    return max(psi(reference, current) - expected_without_drift(reference, current), 0.0)
