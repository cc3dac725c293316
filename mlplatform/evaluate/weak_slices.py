"""Weak slices, found without being asked for: where is the model worse than elsewhere?

Columns are cut in parts, and parts and pairs of parts tried: Chung, Kraska, Polyzotis, Tae & Whang
(2019), "Slice Finder", ICDE. The worst of many slices looks bad by luck, so it is searched on one half
of the rows and believed only if the other half shows it too, where its metrics are taken from.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from scipy.special import ndtri, stdtrit  # type: ignore[import-untyped] # SciPy ships no types.

from mlplatform.evaluate import classes, metrics, tasks
from mlplatform.evaluate.facets import Facet, facets
from mlplatform.features.predicts import Predicts
from mlplatform.ingest.hashing import again, uniform
from mlplatform.statistics.ranking import Bools, Floats

MOST = 10  # Slices reported.
LEAST_ROWS, LEAST_SHARE = 100, 0.01  # Of a slice: less is an anecdote.
LEVEL = 0.05  # Chance that any slice is reported that is not worse.
SURE = float(ndtri(1 - 0.001))  # Standard errors that the search sees as more than luck.
SAME = 0.5  # Share of the rows of either that two slices may have in common.
PAIRED = 30  # Columns tried in pairs, those with the weakest part: 435 pairs.
TRIED = 200  # Slices looked at closely, the weakest.
SALT = np.uint64(0x5EED51)  # The halves are drawn otherwise than the test rows were.


@dataclass(frozen=True, eq=False)
class WeakSlice:
    """A part of the rows in which the model is worse.

    Attributes:
        name: In words: `age in [17, 24) & workclass=Private`.
        rows: int64[rows], places of its rows in the half that confirmed it.
        loss: Their mean loss, see `losses`.
        elsewhere: That of all other rows of that half.
        lower: By how much it is worse at least, as a bound that holds for all reported at once.
    """

    name: str
    rows: NDArray[np.int64]
    loss: float
    elsewhere: float
    lower: float


@dataclass(frozen=True, eq=False)
class _Candidate:
    facets: tuple[Facet, ...]
    parts: tuple[int, ...]
    worse: float  # By how much at least, as the search sees it.

    @property
    def name(self) -> str:
        named = zip(self.facets, self.parts, strict=True)
        return " & ".join(facet.parts[part] for facet, part in named)

    def holds(self, rows: NDArray[np.int64]) -> Bools:
        held = np.ones(len(rows), bool)
        for facet, part in zip(self.facets, self.parts, strict=True):
            held &= facet.code[rows] == part
        return held


def losses(predicts: Predicts, labels: NDArray[np.generic], answers: Floats) -> Floats:
    """Return float64[rows]: the loss of each row, NaN without a usable answer.

    Of classes the squared distance of probabilities and label (Brier 1950), which no single row can
    decide; of numbers the absolute error, of quantiles the pinball loss.
    """
    if predicts.task == "binary":
        truth, score = metrics.columns(labels, answers)
        found = (score - truth) ** 2
    elif predicts.task == "multiclass":
        places, several = classes.columns(labels, answers)
        of_label = np.take_along_axis(several, places[:, None], axis=1)[:, 0]
        found = (several**2).sum(1) - 2 * of_label + 1
    else:
        found = tasks.errors(predicts, labels, answers)
        found = found if predicts.quantiles else np.sqrt(found)
    return np.where(predicts.usable(np.asarray(answers, np.float64)), found, np.nan)


def weak_slices(
    rows: pa.Table, columns: Sequence[str], loss: Floats, row_id: NDArray[np.int64]
) -> list[WeakSlice]:
    """Return at most ten slices whose mean loss is higher than elsewhere, the worst first.

    A slice has at least 100 rows and 1 % of all, about half of them in either half. Each is confirmed
    by Welch's t (1947), corrected for how many were tried to confirm: Bonferroni. None where a loss is
    not finite.

    Args:
        rows: Raw columns.
        columns: Those to search, as the model reads them.
        loss: float64[rows].
        row_id: int64[rows]; decides, by hash, which half a row is in.
    """
    least = max(LEAST_ROWS, math.ceil(LEAST_SHARE * len(loss)))
    if len(loss) < 2 * least or not np.isfinite(loss).all():
        return []
    first = uniform(again(row_id.astype(np.int64).view(np.uint64) ^ SALT)) < 1 / 2
    search, other = np.flatnonzero(first), np.flatnonzero(~first)
    found = _found(facets(rows, columns, least), loss[search], search, least / 2)
    checked = [_checked(each, loss[other], other, least / 2, LEVEL / len(found)) for each in found]
    return sorted((s for s in checked if s is not None), key=lambda s: -s.lower)


def _found(
    cut: Sequence[Facet], loss: Floats, search: NDArray[np.int64], least: float
) -> list[_Candidate]:
    """Return the weakest slices on the searched half, none of them mostly another."""
    parts = {facet.name: facet.code[search] for facet in cut}
    moments = {facet.name: _moments(parts[facet.name], len(facet.parts), loss) for facet in cut}
    singles = [c for facet in cut for c in _of_one(facet, moments[facet.name], loss, least)]
    worst: dict[str, float] = {}
    for single in singles:
        name = single.facets[0].name
        worst[name] = max(worst.get(name, -math.inf), single.worse)
    paired = sorted(cut, key=lambda f: -worst.get(f.name, -math.inf))[:PAIRED]
    pairs = [
        candidate
        for a, b in combinations(paired, 2)
        for candidate in _of_two(a, b, parts, moments, loss, least)
    ]
    ranked = sorted([*singles, *pairs], key=lambda c: -c.worse)[:TRIED]
    return list(_different(ranked, search))


def _different(ranked: Sequence[_Candidate], search: NDArray[np.int64]) -> Iterator[_Candidate]:
    kept: list[Bools] = []
    for candidate in ranked:
        held = candidate.holds(search)
        if any((held & k).sum() > SAME * (held | k).sum() for k in kept):
            continue
        kept.append(held)
        yield candidate
        if len(kept) == MOST:
            return


def _moments(code: NDArray[np.int64], parts: int, loss: Floats) -> Floats:
    """Return f64[3, parts]: rows, sum and sum of squares of the loss."""
    wide = parts + 1
    sums = [np.bincount(code, weights, wide)[:parts] for weights in (None, loss, loss**2)]
    return np.array(sums, np.float64)


def _worse(moments: Floats, loss: Floats, least: float) -> tuple[Floats, Floats]:
    """Return by how much each part is worse at least, -inf where it is too small, and its lowest mean."""
    rows, total, squares = moments
    others = np.maximum(len(loss) - rows, 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        mean, elsewhere = total / rows, (loss.sum() - total) / others
        variance = np.maximum(squares / rows - mean**2, 0) / rows
        beside = np.maximum(((loss**2).sum() - squares) / others - elsewhere**2, 0) / others
        lower = mean - elsewhere - SURE * np.sqrt(variance + beside)
        lowest = mean - SURE * np.sqrt(variance)
    small = (rows < least) | (len(loss) - rows < least)
    return np.where(small, -np.inf, lower), lowest


def _of_one(facet: Facet, moments: Floats, loss: Floats, least: float) -> list[_Candidate]:
    worse, _ = _worse(moments, loss, least)
    return [_Candidate((facet,), (int(at),), float(worse[at])) for at in np.flatnonzero(worse > 0)]


def _of_two(
    a: Facet,
    b: Facet,
    parts: dict[str, NDArray[np.int64]],
    moments: dict[str, Floats],
    loss: Floats,
    least: float,
) -> list[_Candidate]:
    """Return the weak pairs of parts that are worse than either part for itself."""
    shape = len(a.parts) + 1, len(b.parts) + 1
    both = _moments(parts[a.name] * shape[1] + parts[b.name], shape[0] * shape[1], loss)
    inner = both.reshape(3, *shape)[:, :-1, :-1]
    worse, lowest = _worse(inner, loss, least)
    with np.errstate(divide="ignore", invalid="ignore"):
        of_a, of_b = (moments[f.name][1] / moments[f.name][0] for f in (a, b))
    kept = np.argwhere((worse > 0) & (lowest > np.maximum(of_a[:, None], of_b[None])))
    return [_Candidate((a, b), (int(i), int(j)), float(worse[i, j])) for i, j in kept]


def _checked(
    candidate: _Candidate, loss: Floats, other: NDArray[np.int64], least: float, level: float
) -> WeakSlice | None:
    """Return the slice if the other half has it worse too, by a bound wrong in `level` of all cases."""
    held = candidate.holds(other)
    inside, outside = loss[held], loss[~held]
    if min(len(inside), len(outside)) < max(least, 2):
        return None
    of_inside, of_outside = (float(x.var(ddof=1)) / len(x) for x in (inside, outside))
    total = of_inside + of_outside
    free = len(inside) - 1.0  # Of Welch's degrees of freedom, the fewest there can be.
    gap = float(inside.mean() - outside.mean())
    lower = gap - float(stdtrit(free, 1 - level)) * math.sqrt(total)
    if lower <= 0:
        return None
    return WeakSlice(
        candidate.name, other[held], float(inside.mean()), float(outside.mean()), lower
    )
