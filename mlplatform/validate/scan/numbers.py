"""What is counted of one column of numbers, in one atom."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from mlplatform.validate.scan.codes import (
    CODES,
    INFINITE,
    LAST,
    SIGN,
    UPPER_HALF,
    Frame,
    ranks_of,
)
from mlplatform.validate.scan.distinct import Distinct, DistinctNumbers, Work, hashes_of
from mlplatform.validate.scan.plan import Limits

CLASSES = 3  # Negative, positive, and rows without a label.
Values = NDArray[np.float64] | NDArray[np.int64]
Mask = NDArray[np.bool_]
Counts = NDArray[np.int64]


@dataclass(frozen=True)
class Numbers:
    """What was counted of one column.

    Attributes:
        codes: int64[held], ascending: the codes that any row has.
        counts: int64[CLASSES, held] of rows.
        least: The smallest finite value, inf without one; `most` the largest.
        outside: Rows outside the limits.
        on_edges: Whether every finite value lies on a bin's edge: then bins tell all values apart.
        distinct: Of the finite values.
    """

    codes: Counts
    counts: Counts
    least: float
    most: float
    outside: int
    on_edges: bool
    distinct: Distinct

    def merge(self, other: "Numbers") -> "Numbers":
        """Return the counts of both parts' rows; the frames must be equal."""
        codes = np.union1d(self.codes, other.codes)
        counts = np.zeros((CLASSES, len(codes)), np.int64)
        for part in (self, other):
            counts[:, np.searchsorted(codes, part.codes)] += part.counts
        return Numbers(
            codes,
            counts,
            min(self.least, other.least),
            max(self.most, other.most),
            self.outside + other.outside,
            self.on_edges and other.on_edges,
            self.distinct.merge(other.distinct),
        )


class NumberCounter:
    """Counts one column of one atom, block by block."""

    def __init__(self, limits: Limits | None, *, whole: bool) -> None:
        self._whole, self._limits = whole, limits
        self._frame = Frame(0.0)
        self._counts = np.zeros((CLASSES, CODES), np.int64)
        self._least, self._most = np.inf, -np.inf
        self._outside = 0
        self._on_edges = True
        self._distinct = DistinctNumbers()

    def add(
        self,
        values: Values,
        null: Mask | None,
        frame: Frame,
        classes: "NDArray[np.intp] | None",
        out: NDArray[np.float64],
        work: Work,
    ) -> Mask | None:
        """Count a block; write its distances to `out`, 0 where there is no finite value.

        Args:
            values: The numbers; anything where `null`.
            null: Where a value is missing; `None`: nowhere.
            frame: The column's bins; the same for all blocks that have a finite value.
            classes: Class of each row times `CODES`, where there is more than one.
            out: float64[rows], filled with (values - anchor) * scale.
            work: Arrays in between.

        Returns:
            bool[rows], where there is a finite value; `None`: everywhere.
        """
        np.subtract(values, frame.anchor, out=out)
        if frame.scale != 1.0:
            out *= frame.scale
        if null is not None:
            np.copyto(out, np.nan, where=null)
        narrow = work.narrow[: len(out)]
        np.copyto(narrow, out, casting="same_kind")
        finite = _finite(values, null)
        if finite is not None:
            values = values[finite]
        if self._on_edges and not _are_edges(values, narrow, out, finite, frame):
            self._leave_edges(work)
        self._frame = frame
        if len(values):
            self._extremes(values)
            if not self._on_edges:
                self._distinct.add(values, work)
        self._count(_codes(narrow, finite, work), classes)
        if finite is not None:
            np.copyto(out, 0.0, where=~finite)
        return finite

    def result(self) -> Numbers:
        """Return what was counted."""
        distinct = self._distinct.result()
        if self._on_edges:
            values = self._on_bins()
            distinct = Distinct.none().add(hashes_of(values, Work(len(values))), values)
        codes = np.flatnonzero(self._counts.any(0))
        return Numbers(
            codes,
            self._counts[:, codes],
            self._least,
            self._most,
            self._outside + self._infinite_outside(),
            self._on_edges,
            distinct,
        )

    def _infinite_outside(self) -> int:
        below, above = self._counts[:, [SIGN + INFINITE, INFINITE]].sum(0).tolist()
        least, most = self._limits or (None, None)
        return (least is not None) * int(below) + (most is not None) * int(above)

    def _on_bins(self) -> Values:
        """Return the distinct values so far, which all lie on edges."""
        ranks = np.unique(ranks_of(np.flatnonzero(self._counts.any(0))))
        values = self._frame.edge(ranks[np.abs(ranks) <= LAST])
        return np.rint(values).astype(np.int64) if self._whole else values

    def _leave_edges(self, work: Work) -> None:
        """From now on bins do not tell values apart: remember those there were."""
        self._on_edges = False
        values, rows = self._on_bins(), len(work.codes)
        for first in range(0, len(values), rows):
            self._distinct.add(values[first : first + rows], work)

    def _count(self, codes: NDArray[np.intp], classes: "NDArray[np.intp] | None") -> None:
        groups = 1
        if classes is not None:
            codes += classes
            groups = 2
        counts = np.bincount(codes, minlength=groups * CODES)
        if len(counts) > groups * CODES:  # There are rows without a label.
            groups = CLASSES
            counts = np.concatenate([counts, np.zeros(groups * CODES - len(counts), np.intp)])
        self._counts[:groups] += counts.reshape(groups, CODES)

    def _extremes(self, values: Values) -> None:
        least, most = float(values.min()) + 0.0, float(values.max()) + 0.0  # No -0.0.
        self._least, self._most = min(self._least, least), max(self._most, most)
        if self._limits is not None:
            low, high = self._limits
            if low is not None and least < low:
                self._outside += int(np.count_nonzero(values < low))
            if high is not None and most > high:
                self._outside += int(np.count_nonzero(values > high))


def _finite(values: Values, null: Mask | None) -> Mask | None:
    """bool[rows], where a value is finite and not null; `None`: everywhere."""
    if values.dtype == np.int64:
        return None if null is None else ~null
    if null is None and np.isfinite(values.sum()):
        return None
    finite = np.isfinite(values)
    return finite if null is None else finite & ~null


def _codes(narrow: NDArray[np.float32], finite: Mask | None, work: Work) -> NDArray[np.intp]:
    """intp[rows], in `work`; what only float32 cannot hold has the code of the last finite bin."""
    codes = work.codes[: len(narrow)]
    np.copyto(codes, narrow.view(np.uint16)[UPPER_HALF::2])
    if not np.isfinite(narrow.sum()):
        beyond = np.isinf(narrow) if finite is None else np.isinf(narrow) & finite
        codes[beyond] -= 1
    return codes


def _are_edges(
    values: Values,
    narrow: NDArray[np.float32],
    distances: NDArray[np.float64],
    finite: Mask | None,
    frame: Frame,
) -> bool:
    """Whether every finite value is the beginning of its bin, and to be had again from it."""
    short = narrow.view(np.uint16)[1 - UPPER_HALF :: 2] == 0
    short &= narrow == distances
    if finite is not None:
        short, distances = short[finite], distances[finite]
    return bool(short.all() and (frame.anchor + distances / frame.scale == values).all())


def numbers_of(column: pa.Array) -> tuple[Values, Mask | None]:
    """Return the numbers of an int64, float64 or timestamp array without a copy, and its nulls."""
    if pa.types.is_timestamp(column.type):
        column = column.view(pa.int64())
    kind: type[np.int64 | np.float64] = np.int64
    if pa.types.is_floating(column.type):
        kind = np.float64
    buffer = column.buffers()[1] if len(column) else b""
    values: Any = np.frombuffer(buffer, kind, len(column), column.offset * 8)
    if not column.null_count:
        return values, None
    return values, np.asarray(pc.is_null(column))
