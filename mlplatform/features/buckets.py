"""Batches padded to powers of four: a program is compiled once a power, never once a batch size.

XLA compiles for exact shapes, and a server sees every batch size there is: without padding each new
one would cost a compilation (0.2 s here) in the middle of a request. Powers of two would waste less
arithmetic and take twice the compilations before a server is ready; small batches cost a fixed time
anyway, and large tables run in whole buckets.

The smallest bucket is 8: below it XLA's CPU backend multiplies matrices by another kernel, which adds
in another order, and predictions of one row came out up to 25 units in the last place apart; from 8
rows up they were equal in every bit (Adult, 168-128-64-1).
"""

from bisect import bisect_left
from typing import NamedTuple

import numpy as np

from mlplatform.features.encoded import Encoded

# Rows; throughput is flat from the last, and tables come in batches of as many.
BUCKETS: tuple[int, ...] = (8, 16, 64, 256, 1024, 4096, 16_384, 65_536)
# Above this bucket, rows are split rather than padded to more than twice their number.
FEW = 4096


class Part(NamedTuple):
    """Some rows of a batch, and the bucket they are padded to."""

    start: int
    rows: int
    bucket: int


def bucket(rows: int) -> int:
    """Return the smallest bucket that holds `rows`, or the largest there is."""
    return BUCKETS[min(bisect_left(BUCKETS, rows), len(BUCKETS) - 1)]


def split(rows: int) -> list[Part]:
    """Return the parts of a batch, in order; one of no rows is a bucket of padding, so that results have shapes."""
    parts: list[Part] = []
    start = 0
    while start < rows or not parts:
        left = rows - start
        size = bucket(left)
        if size > FEW and size > 2 * left:
            size = BUCKETS[BUCKETS.index(size) - 1]
        parts.append(Part(start, min(left, size), size))
        start += size
    return parts


def padded(encoded: Encoded, rows: int) -> Encoded:
    """Return `encoded` with zeros after its last row, `rows` in all."""
    if len(encoded) == rows:
        return encoded
    return Encoded(_padded(encoded.numeric, rows), _padded(encoded.integers, rows))


def _padded(array: np.ndarray, rows: int) -> np.ndarray:
    # Of one row, np.pad takes ten times as long.
    made = np.zeros((rows, array.shape[1]), array.dtype)
    made[: len(array)] = array
    return made
