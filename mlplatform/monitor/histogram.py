"""Histograms that two tables can be compared by: cut once at training, and no row ever vanishes."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from mlplatform.validate.distance import BinMismatchError

OTHER = "(other)"
MISSING = "(missing)"


@dataclass(frozen=True, kw_only=True)
class NumericBins:
    """Bins of a number: up to the first edge, between edges, above the last, and missing.

    A value equal to an edge lies below it. The outer bins are open; NaN counts as missing.
    """

    edges: tuple[float, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """One name per bin, in order."""
        if not self.edges:
            return ("any", MISSING)
        inner = (f"{a:g} to {b:g}" for a, b in zip(self.edges, self.edges[1:], strict=False))
        return (f"up to {self.edges[0]:g}", *inner, f"above {self.edges[-1]:g}", MISSING)

    def count(self, column: pa.ChunkedArray) -> "Histogram":
        """Return how many values of `column` lie in each bin."""
        values = numbers(column)
        present = values[~np.isnan(values)]
        bin_of = np.searchsorted(np.array(self.edges), present, side="left")
        counts = np.bincount(bin_of, minlength=len(self.edges) + 1)
        return Histogram(bins=self, counts=(*counts.tolist(), len(values) - len(present)))


@dataclass(frozen=True, kw_only=True)
class CategoricalBins:
    """Bins of a category: one for each common value, one for all others, and missing."""

    values: tuple[str, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """One name per bin, in order."""
        return (*self.values, OTHER, MISSING)

    def count(self, column: pa.ChunkedArray) -> "Histogram":
        """Return how many values of `column` lie in each bin."""
        text = column.cast(pa.string())
        place = pc.index_in(text, pa.array(self.values, pa.string()), skip_nulls=True)
        known = place.drop_null().to_numpy()
        counts = np.bincount(known, minlength=len(self.values))
        other = len(text) - len(known) - text.null_count
        return Histogram(bins=self, counts=(*counts.tolist(), other, text.null_count))


Bins = NumericBins | CategoricalBins


@dataclass(frozen=True, kw_only=True)
class Histogram:
    """Rows per bin, and the bins they were counted in."""

    bins: Bins
    counts: tuple[int, ...]

    def __post_init__(self) -> None:
        if len(self.counts) != len(self.bins.names) or min(self.counts) < 0:
            raise BinMismatchError(f"{len(self.bins.names)} bins need a count >= 0 each: {self}")

    @property
    def rows(self) -> int:
        """How many rows were counted."""
        return sum(self.counts)


def numbers(column: pa.ChunkedArray) -> NDArray[np.float64]:
    """Return float64[rows], NaN where a value is missing."""
    return column.cast(pa.float64(), safe=False).to_numpy()  # type: ignore[no-any-return]  # Untyped.
