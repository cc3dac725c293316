"""In what order a stream gives its rows: each epoch another, and any place of it known at once.

Groups are dealt out at random to buffers, and the rows of a buffer are shuffled: CorgiPile, Xu et
al., "In-Database Machine Learning with CorgiPile: Stochastic Gradient Descent without Full Data
Shuffle", SIGMOD 2022. A buffer that is filled row by row could only be taken up again by reading all
that came before.
"""

from dataclasses import dataclass

import numpy as np

BUFFER_ROWS = 1 << 20  # At least four whole groups of the lake.
BUFFER_BYTES = 1 << 28  # Of features, labels and weights. One group is held in any case.


@dataclass(frozen=True)
class Order:
    """The order of every epoch, by two words of chance.

    Attributes:
        counts: Training rows of each group.
        buffer: Rows shuffled at once; a group that has more is a buffer of its own.
        order: Draws which groups share a buffer.
        draw: Draws the rows of each.
    """

    counts: tuple[int, ...]
    buffer: int
    order: int
    draw: int

    def buffers(self, epoch: int) -> list[list[int]]:
        """Return the numbers of the groups of each buffer of an epoch; each group stands once."""
        found: list[list[int]] = []
        room = 0
        for at in np.random.default_rng([self.order, epoch]).permutation(len(self.counts)).tolist():
            if not self.counts[at]:
                continue
            if not found or self.counts[at] > room:
                found.append([])
                room = self.buffer
            found[-1].append(at)
            room -= self.counts[at]
        return found

    def rows(self, epoch: int, buffer: int, count: int) -> np.ndarray:
        """Return i64[count]: the order of the rows of one buffer of an epoch."""
        return np.random.default_rng([self.draw, epoch, buffer]).permutation(count)


def buffer_rows(row_bytes: int) -> int:
    """Return how many rows of a size are shuffled at once."""
    return max(1, min(BUFFER_ROWS, BUFFER_BYTES // row_bytes))
