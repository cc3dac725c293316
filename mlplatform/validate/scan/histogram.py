"""A column's distribution in bins: quantiles, spread, coarser bins, a picture's bars."""

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mlplatform.errors import PlatformError
from mlplatform.validate.scan.codes import LAST, Frame, ranks_of

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
        return np.clip(np.minimum(*ends), self.least, self.most)

    @cached_property
    def high(self) -> Floats:
        """float64[bins]: where each bin ends."""
        ends = self.frame.edge(self.ranks), self.frame.far_edge(self.ranks)
        return np.clip(np.maximum(*ends), self.least, self.most)

    @cached_property
    def values(self) -> Floats:
        """float64[bins]: the value of each bin; within 2^-8 of its distance from the anchor."""
        if self.exact:
            return np.clip(self.frame.edge(self.ranks), self.least, self.most)
        if not self.whole:
            return np.asarray(self.low / 2 + self.high / 2)
        near, far = self.frame.edge(self.ranks), self.frame.far_edge(self.ranks)
        # The whole numbers of a bin: it has the end nearer to the anchor, and not the other.
        below = np.minimum(np.floor(far) + 1, np.floor(near)), np.floor(near)
        above = np.ceil(near), np.maximum(np.ceil(far) - 1, np.ceil(near))
        first, last = np.where(self.ranks < 0, below, above)
        return np.asarray(np.clip(first / 2 + last / 2, self.least, self.most))

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
        # The last bin may have no end of its own: it holds what is too far for float32, too.
        last = cuts >= (self.ranks[-1] if len(self.ranks) else 0)
        ends = np.where(last, self.most, np.minimum(self.frame.upto(cuts), self.most))
        ends = np.floor(ends) if self.whole else ends
        upto = np.searchsorted(self.ranks, cuts, side="right")
        if self.exact:
            ends = self.values[np.maximum(upto - 1, 0)]
        with np.errstate(over="ignore"):
            return np.where(upto > 0, ends, np.nextafter(self.least, -np.inf))

    def bars(self, count: int = 20) -> tuple[Floats, Floats]:
        """Return float64[count + 1] edges of equal width, and float64[count] rows between them.

        A bin that lies over an edge gives each side the share of its width.
        """
        if not len(self.counts):
            return np.zeros(count + 1), np.zeros(count)
        with np.errstate(all="ignore"):
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
    ranks = ranks_of(numbers.codes)
    finite = np.abs(ranks) <= LAST
    held, place = np.unique(ranks[finite], return_inverse=True)
    counts = np.zeros((len(numbers.counts), len(held)), np.int64)
    np.add.at(counts.T, place, numbers.counts[:, finite].T)  # Two codes are rank 0: both zeros.
    return Histogram(
        frame=frame,
        ranks=held,
        counts=counts.sum(0),
        negative=counts[0],
        positive=counts[1],
        exact=numbers.on_edges,
        whole=whole,
        least=numbers.least,
        most=numbers.most,
    )
