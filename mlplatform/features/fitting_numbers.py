"""What fitting learns of numbers: a sample of their values, medians, quantiles, mean and deviation."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mlplatform.errors import FeatureError
from mlplatform.features.declare import Bucketize, Elapsed, Numeric
from mlplatform.features.state import BucketState, NumericState

Floats = NDArray[np.float32]

# Rows whose numbers are kept to learn from. Of up to so many rows that is all of them. Of more it
# is a uniform sample, and the share of rows below any of its quantiles is then off by under 0.002
# with a chance of 0.9994 (Dvoretzky, Kiefer & Wolfowitz 1956, with Massart's constant of 1990).
SAMPLE_ROWS = 1_000_000
QUANTILES = 256  # Edges of scale="quantile": finer ones than 1/255 of the rows tell noise apart.


class Sample:
    """The rows with the smallest hashes of their numbers: the same ones however rows are batched or ordered."""

    def __init__(self, width: int, rows: int = SAMPLE_ROWS) -> None:
        self._rows = rows
        self._hashes: list[NDArray[np.uint64]] = []
        self._values: list[Floats] = []
        self._held = 0
        self._limit = np.uint64(2**64 - 1)
        self._width = width
        self._missing = np.zeros(width, np.int64)

    def add(self, row_ids: NDArray[np.int64], values: Floats) -> None:
        """Take rows: their numbers i64[rows], of which none comes twice, and f32[rows, width]."""
        if not self._width:
            return
        self._missing += np.isnan(values).sum(axis=0)
        hashes = mixed(row_ids)
        if self._limit < np.uint64(2**64 - 1):
            near = hashes <= self._limit
            hashes, values = hashes[near], values[near]
        self._hashes.append(hashes)
        self._values.append(np.array(values))
        self._held += len(hashes)
        if self._held > self._rows + self._rows // 4:
            self._cut()

    def values(self) -> Floats:
        """Return f32[kept rows, width] in no particular order."""
        if self._held > self._rows:
            self._cut()
        return np.concatenate([np.zeros((0, self._width), np.float32), *self._values])

    @property
    def missing(self) -> NDArray[np.int64]:
        """How many of all rows lacked each number."""
        return self._missing

    def _cut(self) -> None:
        hashes, values = np.concatenate(self._hashes), np.concatenate(self._values)
        self._limit = np.partition(hashes, self._rows - 1)[self._rows - 1]
        near = hashes <= self._limit
        self._hashes, self._values = [hashes[near]], [values[near]]
        self._held = len(self._hashes[0])


def mixed(numbers: NDArray[np.int64]) -> NDArray[np.uint64]:
    """Return u64[rows], other for other numbers, uniform: SplitMix64 (Steele, Lea & Flood 2014)."""
    with np.errstate(over="ignore"):
        z = numbers.astype(np.uint64) + np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(z ^ (z >> np.uint64(31)))


def numeric_state(
    feature: Numeric | Elapsed, place: int, sampled: Floats, *, lacking: bool
) -> NumericState:
    """Return the state of a number: what is learnt of it after clip, fill and logarithm.

    Args:
        feature: As declared.
        place: Of its input.
        sampled: f32[rows], NaN where it is missing.
        lacking: Whether any training row lacks it.

    Raises:
        FeatureError: If no row has it, and nothing was declared in its place.
    """
    clip = () if feature.clip is None else _floats(np.array(feature.clip, np.float32))
    present = sampled[~np.isnan(sampled)]
    if clip:
        present = np.clip(present, np.float32(clip[0]), np.float32(clip[1]))
    if not present.size and feature.missing is None:
        raise FeatureError(
            f"feature {feature.name!r}: every training value of {named(feature)!r} is missing;"
            " remove the feature or declare missing="
        )
    fill = np.float32(np.median(present) if feature.missing is None else feature.missing)
    filled = np.concatenate([present, np.full(sampled.size - present.size, fill)])
    # Sorted, so that the sums below round alike however the rows lie.
    scaled = np.sort(signed_log(filled) if feature.log else filled).astype(np.float64)
    edges, shares = _cut(feature, scaled)
    return NumericState(
        name=feature.name,
        input=place,
        scale="bins" if feature.bins is not None else feature.scale,
        log=feature.log,
        clip=clip,
        fill=float(fill),
        indicator=feature.missing is None and lacking,
        edges=edges,
        mean=float(scaled.mean()),
        deviation=float(scaled.std()),
        shares=shares,
    )


def bucket_state(feature: Bucketize, place: int, sampled: Floats) -> BucketState:
    """Return the state of a number as a category, with the edges declared or those of equally full intervals.

    Raises:
        FeatureError: If no row of `sampled` (f32[rows], NaN where it is missing) has it.
    """
    if feature.quantiles is None:
        return BucketState(name=feature.name, input=place, edges=feature.edges)
    present = np.sort(sampled[~np.isnan(sampled)]).astype(np.float64)
    if not present.size:
        raise FeatureError(
            f"feature {feature.name!r}: every training value of {named(feature)!r} is missing;"
            " remove the feature or declare edges="
        )
    shares = np.linspace(0, 1, feature.quantiles + 1)[1:-1]
    cuts = np.unique(np.quantile(present, shares, method="inverted_cdf"))
    # Below the least value is nobody; where it fills intervals, the next one parts it off.
    above = present[present > present[0]][:1]
    edges = np.unique(np.where(cuts > present[0], cuts, above[0])) if above.size else above
    return BucketState(name=feature.name, input=place, edges=_floats(edges))


def named(feature: Numeric | Elapsed | Bucketize) -> str:
    """Return the column that holds a feature's numbers."""
    return next(iter(feature.reads))


def signed_log(values: np.ndarray) -> np.ndarray:
    """Return sign(x) * log(1 + |x|), elementwise."""
    return np.asarray(np.copysign(np.log1p(np.abs(values)), values))


def quantile_edges(values: np.ndarray, bins: int) -> tuple[float, ...]:
    """Return at most `bins` + 1 ascending members of `values` that cut it into equally full bins.

    A value that alone fills more than one bin (the zeros of a capital gain) becomes an edge and
    is set aside, so that the rest is still cut finely. A constant has one edge, which makes no
    bin.
    """
    distinct, counts = np.unique(values, return_counts=True)
    if distinct.size <= bins + 1:
        return tuple(float(edge) for edge in distinct)
    heavy = distinct[counts >= values.size / bins]
    rest = values[~np.isin(values, heavy)]
    shares = np.linspace(0, 1, bins + 1 - heavy.size)
    # Taken from the data, not interpolated: an edge then is a value that rows have.
    cuts = np.quantile(rest, shares, method="inverted_cdf")
    return tuple(float(edge) for edge in np.unique(np.concatenate([heavy, cuts])))


def quantiles(values: np.ndarray) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return ascending edges of sorted `values` and the share of rows below each, from 0 to 1.

    The quantiles of scikit-learn's QuantileTransformer. A value that is several of them takes the
    middle of their shares; the least one 0 and the greatest 1.
    """
    shares = np.linspace(0, 1, min(QUANTILES, values.size))
    edges, first, count = np.unique(
        np.float32(np.quantile(values, shares)), return_index=True, return_counts=True
    )
    middle = (shares[first] + shares[first + count - 1]) / 2
    middle[0] = 0
    if middle.size > 1:
        middle[-1] = 1
    return _floats(edges), _floats(middle)


def _cut(
    feature: Numeric | Elapsed, values: np.ndarray
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    if feature.bins is not None:
        return quantile_edges(values, feature.bins), ()
    return quantiles(values) if feature.scale == "quantile" else ((), ())


def _floats(values: Sequence[float] | np.ndarray) -> tuple[float, ...]:
    return tuple(float(value) for value in values)
