"""A bootstrap of two classes ranked by a score, whose cost does not grow with the rows.

Rows of similar score and one class are one cell. A replicate gives each row a weight, in the Bayesian
bootstrap of Rubin (1981), Annals of Statistics 9:130, an exponential one: so a cell of `n` rows has a
gamma of shape `n`, however many rows that is. All metrics are ratios, so it does not matter
that the total varies; that the share of positives does is right, since the next rows have another.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from mlplatform.statistics.replicates import REPLICATES

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

CELLS = 128  # The spread of the area under the ROC curve is then within 1 % of that of single rows.

LEAST = np.float32(0.01)  # Cubed, the least weight of a row: never all of them are without any.


@dataclass(frozen=True, eq=False)
class Cells:
    """Rows of two classes by score, in rising order.

    Attributes:
        negatives: f64[cells], rows of class 0.
        positives: f64[cells], of class 1.
        bin_of: int64[cells], the bin of the calibration error.
        score: f64[cells], the mean score.
        means: By metric, the mean of each cell's values: f64[2, cells], of class 0 and of class 1.
        variances: The same of their variance within the cell.
    """

    negatives: Floats
    positives: Floats
    bin_of: NDArray[np.int64]
    score: Floats
    means: Mapping[str, Floats] = field(default_factory=dict)
    variances: Mapping[str, Floats] = field(default_factory=dict)


def cells(
    truth: Bools, score: Floats, values: Mapping[str, Floats], bins: int, most: int = CELLS
) -> Cells:
    """Return the cells of `score`, probabilities: each distinct one, or `most` of equal row counts.

    Args:
        truth: Which rows are of class 1.
        score: Their scores in [0, 1].
        values: Of each metric that is a mean over rows, the value of each row.
        bins: Of equal width, that no cell spans.
        most: Cells, but for those that the bins cut in two.
    """
    edges = _edges(score, bins, most)
    cell = np.searchsorted(edges, score, side="right")
    place, wide = cell + truth * (len(edges) + 1), 2 * (len(edges) + 1)

    def summed(weights: Floats | None = None) -> Floats:
        return np.bincount(place, weights, wide).reshape(2, -1).astype(np.float64)

    rows = summed()
    there = rows.sum(0) > 0
    rows, each = rows[:, there], np.maximum(rows[:, there], 1)
    means = {name: summed(value)[:, there] / each for name, value in values.items()}
    squares = {name: summed(value**2)[:, there] / each for name, value in values.items()}
    middle = summed(score)[:, there].sum(0) / rows.sum(0)
    return Cells(
        negatives=rows[0],
        positives=rows[1],
        bin_of=np.minimum((np.append(0.0, edges)[there] * bins).astype(np.int64), bins - 1),
        score=middle,
        means=means,
        variances={name: np.maximum(squares[name] - means[name] ** 2, 0.0) for name in values},
    )


@dataclass(frozen=True, eq=False)
class Drawn:
    """Replicates of the cells' metrics.

    Attributes:
        away: By metric f64[replicates], how far each is from what the cells themselves have; NaN of
            `auc` and `average_precision` where there is a single class.
        gaps: f64[replicates, bins with rows], the mean score less the share of positives of each bin's rows,
            times their share of all.
        gap: f64[bins with rows], the same of the cells themselves.
    """

    away: Mapping[str, Floats]
    gaps: Floats
    gap: Floats


def replicates(seen: Cells) -> Drawn:
    """Return replicates of `auc`, `average_precision`, the means and the calibration; always the same."""
    negatives, positives = _gamma(np.stack([seen.negatives, seen.positives]))
    rows = negatives.sum(1) + positives.sum(1)
    drawn = _metrics(seen, negatives, positives)
    own = _metrics(seen, seen.negatives[None], seen.positives[None])
    luck = np.random.default_rng(len(seen.score))
    for name, variances in seen.variances.items():
        of_negatives, of_positives = variances.astype(np.float32)
        # Rows of one cell differ in value: as much as that many drawn from it would.
        within = np.sqrt(_dot(negatives, of_negatives) + _dot(positives, of_positives))
        drawn[name] += within * luck.standard_normal(len(rows)) / rows
    return Drawn(
        away={name: values - own[name] for name, values in drawn.items()},
        gaps=_gaps(seen, negatives, positives),
        gap=_gaps(seen, seen.negatives[None], seen.positives[None])[0],
    )


def _gamma(shape: Floats) -> NDArray[np.float32]:
    """Return f32[2, replicates, cells] of gamma variates of that shape, f64[2, cells]; of 0 it is 0.

    By cubes of normal ones, Wilson & Hilferty (1931), PNAS 17:684: mean and variance of shape 1 are
    within 1 %, of more nearer still, and the same normal ones serve for any cells.
    """
    there = np.maximum(shape, 1)[:, None, :]
    centre, scale = 1 - 1 / (9 * there), 1 / (3 * np.sqrt(there))
    drawn = _normal(shape.shape[1]) * scale.astype(np.float32) + centre.astype(np.float32)
    np.maximum(drawn, LEAST, out=drawn)
    found: NDArray[np.float32] = drawn * drawn * drawn * shape[:, None, :].astype(np.float32)
    return found


@lru_cache(maxsize=1)
def _bank(wide: int) -> NDArray[np.float32]:
    """Return normal variates whose means are 0 and whose covariances are those of independent ones.

    As they are, and not on the average: what is left to chance is the shape, no longer the spread.
    """
    drawn = np.random.default_rng(0).standard_normal((max(REPLICATES, 2 * wide + 1), 2 * wide))
    apart = np.linalg.qr(drawn - drawn.mean(0))[0] * np.sqrt(len(drawn))
    return np.ascontiguousarray(
        apart[:REPLICATES].reshape(-1, 2, wide).swapaxes(0, 1), dtype=np.float32
    )


def _normal(cells: int) -> NDArray[np.float32]:
    """Return f32[2, replicates, cells] of standard normal variates, drawn once."""
    return _bank(max(cells, 2 * CELLS))[:, :, :cells]


def _edges(score: Floats, bins: int, most: int) -> Floats:
    ranked = np.sort(score)
    distinct = ranked[np.append(np.True_, ranked[1:] != ranked[:-1])] if len(ranked) else ranked
    if len(distinct) <= most:
        return distinct
    picked = ranked[np.linspace(0, len(ranked), most, endpoint=False).astype(np.int64)]
    return np.unique(np.append(picked, np.arange(1, bins) / bins))


def _metrics(seen: Cells, negatives: Floats, positives: Floats) -> dict[str, Floats]:
    """Return f64[replicates] of each metric from counts, f64[replicates, cells]."""
    all_negatives, all_positives = negatives.sum(1), positives.sum(1)
    below = np.cumsum(negatives, axis=1) - negatives / 2
    hits = np.cumsum(positives[:, ::-1], axis=1)
    said = hits + np.cumsum(negatives[:, ::-1], axis=1)
    precision = hits / np.maximum(said, np.finfo(np.float32).tiny)
    found: dict[str, Floats] = {}
    with np.errstate(divide="ignore", invalid="ignore"):
        found["auc"] = (positives * below).sum(1) / (all_positives * all_negatives)
        found["average_precision"] = (positives[:, ::-1] * precision).sum(1) / all_positives
    found["average_precision"][all_negatives == 0] = np.nan
    rows = all_negatives + all_positives
    for name, means in seen.means.items():
        of_negatives, of_positives = means.astype(negatives.dtype)
        found[name] = (_dot(negatives, of_negatives) + _dot(positives, of_positives)) / rows
    return found


def _dot(counts: Floats, of: Floats) -> Floats:
    """Return the product without BLAS, whose threads wait for each other longer than this takes."""
    return np.asarray(np.einsum("rc,c->r", counts, of))


def _gaps(seen: Cells, negatives: Floats, positives: Floats) -> Floats:
    """Return f64[replicates, bins] from counts, f64[replicates, cells]."""
    starts = np.flatnonzero(np.diff(seen.bin_of, prepend=-1))  # Cells rise by score, so bins do.
    gap = seen.score.astype(negatives.dtype) * (negatives + positives) - positives
    rows = negatives.sum(1) + positives.sum(1)
    return np.asarray(np.add.reduceat(gap, starts, axis=1) / rows[:, None], np.float64)
