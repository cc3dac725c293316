"""Means, variances and co-moments of several columns, added up without losing digits.

Every sum is of centred values; two parts are joined by the update of Chan, Golub & LeVeque (1983,
doi:10.1080/00031305.1983.10483115), pair by pair, over the rows where both columns have a value.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
ILL = 1e-6  # Variance below this part of the squared mean: centre again, or digits cancel.


@dataclass(frozen=True)
class Moments:
    """Of each pair (a, b), over the rows where both are present; all float64[..., m, m].

    `mean` and `square` (sum of squared deviations) are of a; `cross` is the sum of products of
    deviations of a and b. The diagonal is a column alone.
    """

    rows: Array
    mean: Array
    square: Array
    cross: Array

    @classmethod
    def none(cls, shape: tuple[int, ...]) -> "Moments":
        """Of no rows; shape[..., m, m]."""
        return cls(*(np.zeros(shape) for _ in range(4)))

    @classmethod
    def of(cls, x: Array, present: "NDArray[np.bool_] | None") -> "Moments":
        """Of float64[..., m, rows], zero where not `present`; `None`: all are. Changes `x`."""
        with np.errstate(all="ignore"):
            found = _plain(x) if present is None else _masked(x, present.astype(np.float64))
            mean, square, rows = (_diagonal(a) for a in (found.mean, found.square, found.rows))
            ill = square < ILL * rows * mean * mean
            if not ill.any():
                return found
            pivot = np.where(ill, mean, 0.0)
            x -= pivot[..., None]
            if present is not None:
                x *= present
            again = _plain(x) if present is None else _masked(x, present.astype(np.float64))
        mean = np.where(again.rows > 0, again.mean + pivot[..., None], 0.0)
        return cls(again.rows, mean, again.square, again.cross)

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


def _plain(x: Array) -> Moments:
    rows = x.shape[-1]
    total = x.sum(-1)
    mean = total / rows
    cross = _products(x, x) - total[..., :, None] * mean[..., None, :]
    square = np.maximum(_diagonal(cross), 0.0)
    shape = cross.shape
    return Moments(
        np.full(shape, float(rows)),
        np.broadcast_to(mean[..., None], shape),
        np.broadcast_to(square[..., None], shape),
        cross,
    )


def _masked(x: Array, present: Array) -> Moments:
    rows, total = _products(present, present), _products(x, present)
    mean = np.where(rows > 0, total / rows, 0.0)
    square = np.maximum(_products(x * x, present) - total * mean, 0.0)
    cross = _products(x, x) - mean * total.swapaxes(-1, -2)
    return Moments(rows, mean, square, cross)


def _products(x: Array, y: Array) -> Array:
    """float64[..., m, m]: sums over the rows of each row of `x` times each of `y`."""
    if x.shape[-2] == 1:  # No matrices: BLAS would start threads for very little.
        return np.asarray(np.einsum("...i,...i->...", x, y)[..., None])
    return np.asarray(x @ y.swapaxes(-1, -2))


def _diagonal(a: Array) -> Array:
    return np.diagonal(a, axis1=-2, axis2=-1)
