"""Means, variances and co-moments of several columns, added up without losing digits.

Every sum is of centred values; two parts are joined by the update of Chan, Golub & LeVeque (1983,
doi:10.1080/00031305.1983.10483115), pair by pair, over the rows where both columns have a value.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
BLAS_ALONE = (
    2**17
)  # Products of one call that OpenBLAS does without threads, with room: half of them.
ILL = 1e-6  # Variance below this part of the squared mean: centre again, or digits cancel.


@dataclass(frozen=True)
class Moments:
    """Of each pair (a, b), over the rows where both are present; all float64[m, m].

    `mean` and `square` (sum of squared deviations) are of a; `cross` is the sum of products of
    deviations of a and b. The diagonal is a column alone. Without pairs: float64[m, 1, 1].
    """

    rows: Array
    mean: Array
    square: Array
    cross: Array

    @classmethod
    def none(cls, shape: tuple[int, ...]) -> "Moments":
        """Of no rows."""
        return cls(*(np.zeros(shape) for _ in range(4)))

    @classmethod
    def of(cls, x: Array, present: Sequence[Mask | None], *, pairs: bool = True) -> "Moments":
        """Of float64[m, rows], with zeros where a row of `present` says so. Changes `x`.

        A mask that is `None` means everywhere. Without `pairs` each column is alone: [m, 1, 1].
        """
        with np.errstate(all="ignore"):
            found = _of(x, present, pairs=pairs)
            own = found.alone()
            ill = own.square < ILL * own.rows * own.mean * own.mean
            if not ill.any():
                return found
            pivot = np.where(ill, own.mean, 0.0)
            x -= pivot[:, None]
            for a, mask in enumerate(present):
                if mask is not None:
                    x[a] *= mask
            again = _of(x, present, pairs=pairs)
        moved = again.mean + (pivot[:, None] if pairs else pivot[:, None, None])
        return cls(again.rows, np.where(again.rows > 0, moved, 0.0), again.square, again.cross)

    def alone(self) -> "Moments":
        """Each column alone: float64[m]."""
        if self.rows.shape[1:] == (1, 1):
            return Moments(*(a[:, 0, 0] for a in vars(self).values()))
        return Moments(*(np.diagonal(a) for a in vars(self).values()))

    def merge(self, other: "Moments") -> "Moments":
        """Return the moments of both parts' rows."""
        with np.errstate(all="ignore"):
            rows = self.rows + other.rows
            share = np.where(rows > 0, other.rows / rows, 0.0)
            # A part without rows moves nothing, whatever its mean says.
            both = (self.rows > 0) & (other.rows > 0)
            moved = np.where(both, other.mean - self.mean, 0.0)
            weight = self.rows * share
            mean = np.where(self.rows > 0, self.mean + moved * share, other.mean)
            square = self.square + other.square + moved * moved * weight
            cross = self.cross + other.cross + moved * moved.swapaxes(-1, -2) * weight
        return Moments(rows, mean, square, cross)


def _of(x: Array, present: Sequence[Mask | None], *, pairs: bool) -> Moments:
    rows = np.array([x.shape[1] if p is None else np.count_nonzero(p) for p in present], np.float64)
    if not pairs:
        rows, total = rows[:, None, None], x.sum(1)[:, None, None]
        return _centred(rows, total, np.einsum("ij,ij->i", x, x)[:, None, None], None)
    product = _products(x)
    like = np.ones_like(product)
    sums = [a[:, None] * like for a in (rows, x.sum(1), np.diagonal(product))]
    for b, mask in enumerate(present):
        if mask is not None:
            _where(sums, x, present, b, mask)
    return _centred(sums[0], sums[1], sums[2], product)


def _products(x: Array) -> Array:
    """float64[m, m]: sums over the rows of each column times each.

    In pieces that BLAS works off at once: for greater ones it wakes threads, and waits for them
    longer than the work takes where the cores are busy.
    """
    m, rows = x.shape
    size = min(max(BLAS_ALONE // (m * m), 256), 4096)
    whole = rows // size * size
    pieces = x[:, :whole].reshape(m, -1, size).swapaxes(0, 1)
    rest = x[:, whole:]
    return np.asarray((pieces @ pieces.swapaxes(1, 2)).sum(0) + rest @ rest.T)


def _where(sums: list[Array], x: Array, present: Sequence[Mask | None], b: int, mask: Mask) -> None:
    """Make column b of the sums those of the rows where `mask` is: by the fewer rows of the two."""
    rare = np.count_nonzero(mask) < len(mask) / 2
    few = np.flatnonzero(mask if rare else ~mask)
    part = x.take(few, axis=1)
    there = [len(few) if p is None else np.count_nonzero(p.take(few)) for p in present]
    for whole, some in zip(sums, (there, part.sum(1), (part * part).sum(1)), strict=True):
        whole[:, b] = some if rare else whole[:, b] - some


def _centred(rows: Array, total: Array, square: Array, product: Array | None) -> Moments:
    mean = np.where(rows > 0, total / rows, 0.0)
    square = np.maximum(square - total * mean, 0.0)
    cross = square if product is None else product - mean * total.T
    return Moments(rows, mean, square, cross)
