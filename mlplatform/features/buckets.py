"""Batches padded to powers of four: a program is compiled once a power, never once a batch size.

XLA compiles for exact shapes, and a server sees every batch size there is: without padding each new
one would cost a compilation (0.2 s here) in the middle of a request. Powers of two would waste less
arithmetic and take twice the compilations before a server is ready; small batches cost a fixed time
anyway, and large tables run in whole buckets.
"""

from collections.abc import Callable

import numpy as np

from mlplatform.features.encoded import Encoded

BUCKETS: tuple[int, ...] = (1, 4, 16, 64, 256, 1024, 4096)  # Rows; throughput is flat from there.
Arrays = tuple[np.ndarray, ...]


def bucket(rows: int) -> int:
    """Return the smallest bucket that holds `rows`, or the largest there is."""
    return next((size for size in BUCKETS if size >= rows), BUCKETS[-1])


def pad(encoded: Encoded, rows: int) -> Encoded:
    """Return `encoded` with zeros after its last row, `rows` in all."""
    if len(encoded) == rows:
        return encoded
    width = ((0, rows - len(encoded)), (0, 0))
    return Encoded(np.pad(encoded.numeric, width), np.pad(encoded.integers, width))


def in_buckets(program: Callable[[Encoded], Arrays], encoded: Encoded) -> Arrays:
    """Return `program`'s arrays of every row, called with whole buckets only; rows are their first axis.

    An empty batch is one bucket of padding, so the results have the right shapes.
    """
    largest = BUCKETS[-1]
    if len(encoded) in BUCKETS:
        return program(encoded)
    parts = []
    for start in range(0, max(len(encoded), 1), largest):
        part = encoded[start : start + largest]
        made = program(pad(part, bucket(len(part))))
        parts.append(tuple(array[: len(part)] for array in made))
    if len(parts) == 1:
        return parts[0]
    return tuple(np.concatenate(arrays) for arrays in zip(*parts, strict=True))
