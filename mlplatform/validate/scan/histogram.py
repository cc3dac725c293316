"""A column's distribution in bins: quantiles, spread, coarser bins, a picture's bars."""

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mlplatform.errors import PlatformError
from mlplatform.validate.scan.codes import LAST, Frame, finite_of

if TYPE_CHECKING:
    from mlplatform.validate.scan.numbers import Numbers

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
DECILES = 10  # Bins that PSI's usual limits are stated for.


@dataclass(frozen=True, eq=False)
class Histogram:
    """Rows of finite values in bins that have any, by ascending value.

    Attributes:
        frame: Where bins lie; two histograms with equal frames have the same bins.
        ranks: int64[bins], ascending; the place of each bin among all of the frame's.
        counts: int64[bins] of rows; `positive` and `negative` are those of each class of the label.
        exact: Whether every value is its bin's `values`, not only near it.
        whole: Whether every value is a whole number.
        least: The smallest value, `most` the largest.
    """

    frame: Frame
    ranks: Ints
    counts: Ints
    negative: Ints
    positive: Ints
    exact: bool
    whole: bool
    least: float
    most: float

    @property
    def rows(self) -> int:
        """How many finite values were counted."""
        return int(self.counts.sum())

    @cached_property
    def low(self) -> Floats:
        """float64[bins]: where each bin begins."""
        ends = self.frame.edge(self.ranks), self.frame.far_edge(self.ranks)
        return np.maximum(np.minimum(*ends), self.least)

    @cached_property
    def high(self) -> Floats:
        """float64[bins]: where each bin ends."""
        ends = self.frame.edge(self.ranks), self.frame.far_edge(self.ranks)
        return np.minimum(np.maximum(*ends), self.most)

    @cached_property
    def values(self) -> Floats:
        """float64[bins]: the value of each bin; within 2^-8 of its distance from the anchor."""
        if self.exact:
            return np.clip(self.frame.edge(self.ranks), self.least, self.most)
        if not self.whole:
            return np.asarray(self.low / 2 + self.high / 2)
        near, far = self.frame.edge(self.ranks), self.frame.far_edge(self.ranks)
        below = self.ranks < 0  # A bin has the end that is nearer to the anchor, not the other.
        first = np.where(below, np.floor(far) + 1, np.ceil(near))
        last = np.where(below, np.floor(near), np.ceil(far) - 1)
        first, last = np.maximum(first, self.least), np.minimum(last, self.most)
        return np.asarray(first / 2 + last / 2)

    def quantile(self, q: float) -> float | None:
        """Return the smallest value with at least a share `q` of the rows up to it."""
        if not len(self.counts):
            return None
        total = np.cumsum(self.counts)
        wanted = min(max(int(np.ceil(q * total[-1])), 1), total[-1])
        return float(self.values[np.searchsorted(total, wanted)])

    def deviation_from(self, center: float) -> float | None:
        """Return the median distance of the values from `center`: the MAD, when it is the median."""
        if not len(self.counts):
            return None
        distance = np.abs(self.values - center)
        order = np.argsort(distance)
        total = np.cumsum(self.counts[order])
        return float(distance[order][np.searchsorted(total, (total[-1] + 1) // 2)])

    def outside(self, least: float, most: float) -> int:
        """Return how many rows lie in bins whose value is below `least` or above `most`."""
        return int(self.counts[(self.values < least) | (self.values > most)].sum())

    def deciles(self, bins: int = DECILES) -> Ints:
        """int64[cuts]: the last rank of each of at most `bins` bins of about equal rows, but one.

        Where the smallest rank fills the first bin, a cut just below keeps what lies below apart.
        """
        if not len(self.counts):
            return np.empty(0, np.int64)
        total = np.cumsum(self.counts)
        wanted = np.ceil(np.arange(1, bins) / bins * total[-1]).astype(np.int64)
        cuts = np.unique(self.ranks[np.searchsorted(total, np.maximum(wanted, 1))])
        return np.insert(cuts, 0, cuts[0] - 1) if cuts[0] == self.ranks[0] else cuts

    def coarse(self, cuts: Ints) -> Ints:
        """int64[cuts + 1]: rows up to each cut, and above the last; the cuts of an equal frame."""
        bins = np.searchsorted(cuts, self.ranks, side="left")
        return np.bincount(bins, self.counts, len(cuts) + 1).astype(np.int64)

    def edges(self, cuts: Ints) -> Floats:
        """float64[cuts]: numbers up to which a value lies below each cut.

        Where `exact`, each is the largest value of the data there. Below all data it is just that.
        """
        ends = np.minimum(self.frame.upto(cuts), self.most)
        ends = np.floor(ends) if self.whole else ends
        upto = np.searchsorted(self.ranks, cuts, side="right")
        if self.exact:
            ends = self.values[np.maximum(upto - 1, 0)]
        return np.where(upto > 0, ends, np.nextafter(self.least, -np.inf))

    def bars(self, count: int = 20) -> tuple[Floats, Floats]:
        """Return float64[count + 1] edges of equal width, and float64[count] rows between them.

        A bin that lies over an edge gives each side the share of its width.
        """
        if not len(self.counts):
            return np.zeros(count + 1), np.zeros(count)
        edges = np.linspace(self.least, self.most, count + 1)
        if self.least == self.most:
            return edges, np.eye(1, count)[0] * self.rows
        if self.exact:
            return edges, np.histogram(self.values, edges, weights=self.counts)[0].astype(float)
        knots = np.stack([self.low, np.maximum(self.high, self.low)], 1).ravel()
        total = (
            np.repeat(np.cumsum(self.counts), 2)
            - np.stack([self.counts, np.zeros_like(self.counts)], 1).ravel()
        )
        below = np.interp(edges, knots, total)
        below[0], below[-1] = 0, self.rows
        return edges, np.diff(below)


def same_bins(first: Histogram, second: Histogram) -> None:
    """Raise `PlatformError` unless the two have the same bins."""
    if first.frame != second.frame:
        raise PlatformError(
            f"bins around {first.frame.anchor:g} and {second.frame.anchor:g} cannot be compared;"
            " scan one like the other"
        )


def histogram_of(numbers: "Numbers", frame: Frame, *, whole: bool) -> Histogram:
    """Return the distribution that was counted."""
    finite = finite_of(numbers.counts)
    total = finite.sum(0)
    held = np.flatnonzero(total)
    return Histogram(
        frame=frame,
        ranks=held - LAST,
        counts=total[held],
        negative=finite[0, held],
        positive=finite[1, held],
        exact=numbers.on_edges,
        whole=whole,
        least=numbers.least,
        most=numbers.most,
    )
