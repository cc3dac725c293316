"""What is counted of one column of numbers, in one atom."""

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from mlplatform.validate.scan.codes import (
    CODES,
    LAST,
    UPPER_HALF,
    Frame,
    finite_of,
    infinite_of,
)
from mlplatform.validate.scan.distinct import Distinct, DistinctNumbers, Work, hashes_of
from mlplatform.validate.scan.plan import Limits

CLASSES = 3  # Negative, positive, and rows without a label.
Values = NDArray[np.float64] | NDArray[np.int64]
Mask = NDArray[np.bool_]


@dataclass
class Numbers:
    """Counts by class and code, extremes of the finite values, and what else one pass gives."""

    counts: NDArray[np.int64] = field(default_factory=lambda: np.zeros((CLASSES, CODES), np.int64))
    least: float = np.inf
    most: float = -np.inf
    outside: int = 0
    on_edges: bool = True  # Whether every finite value lies on a bin's edge: then bins are exact.
    distinct: Distinct = field(default_factory=Distinct.none)

    def merge(self, other: "Numbers") -> "Numbers":
        """Return the counts of both parts' rows; the frames must be equal."""
        return Numbers(
            self.counts + other.counts,
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
        self._counted = Numbers()
        self._distinct = DistinctNumbers()

    def add(
        self,
        values: Values,
        null: Mask | None,
        frame: Frame,
        classes: "NDArray[np.intp] | None",
        out: NDArray[np.float64],
        work: "Work",
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
            out[null] = np.nan
        narrow, codes = work.narrow[: len(out)], work.codes[: len(out)]
        np.copyto(narrow, out, casting="same_kind")
        finite = None if np.isfinite(out.sum()) and null is None else self._finite(values, null)
        if finite is not None:
            overflown = finite & np.isinf(narrow)
            narrow[overflown] = np.copysign(np.finfo(np.float32).max, narrow[overflown])
            values = values[finite]
        if self._counted.on_edges and not _on_edges(narrow, out, finite):
            self._leave_edges(work)
        self._frame = frame
        self._count(narrow, codes, classes)
        self._extremes(values)
        if len(values) and not self._counted.on_edges:
            self._distinct.add(values, work)
        if finite is None:
            return None
        out[~finite] = 0.0
        np.nan_to_num(out, copy=False)
        return finite

    def result(self) -> Numbers:
        """Return what was counted."""
        counted = self._counted
        distinct = self._distinct.seen
        if counted.on_edges:
            values = self._on_bins()
            distinct = Distinct.none().add(hashes_of(values, Work(len(values))), values)
        return replace(
            counted,
            counts=counted.counts.copy(),
            outside=counted.outside + infinities_outside(counted, self._limits),
            distinct=distinct,
        )

    def _on_bins(self) -> Values:
        """Return the distinct values so far, which all lie on edges."""
        ranks = np.flatnonzero(finite_of(self._counted.counts).any(0)) - LAST
        values = self._frame.edge(ranks)
        return np.rint(values).astype(np.int64) if self._whole else values

    def _leave_edges(self, work: "Work") -> None:
        """From now on bins do not tell values apart: remember those there were."""
        self._counted.on_edges = False
        values, rows = self._on_bins(), len(work.codes)
        for first in range(0, len(values), rows):
            self._distinct.add(values[first : first + rows], work)

    @staticmethod
    def _finite(values: Values, null: Mask | None) -> Mask | None:
        finite = np.isfinite(values)
        if null is not None:
            finite &= ~null
        return None if finite.all() else finite

    def _count(
        self,
        narrow: NDArray[np.float32],
        codes: NDArray[np.intp],
        classes: "NDArray[np.intp] | None",
    ) -> None:
        np.copyto(codes, narrow.view(np.uint16)[UPPER_HALF::2])
        groups = 1
        if classes is not None:
            codes += classes
            groups = 2
        counts = np.bincount(codes, minlength=groups * CODES)
        if len(counts) > groups * CODES:  # There are rows without a label.
            groups = CLASSES
            counts = np.concatenate([counts, np.zeros(groups * CODES - len(counts), np.intp)])
        self._counted.counts[:groups] += counts.reshape(groups, CODES)

    def _extremes(self, values: Values) -> None:
        if not len(values):
            return
        counted = self._counted
        least, most = float(values.min()), float(values.max())
        counted.least, counted.most = min(counted.least, least), max(counted.most, most)
        if self._limits is not None:
            low, high = self._limits
            if low is not None and least < low:
                counted.outside += int(np.count_nonzero(values < low))
            if high is not None and most > high:
                counted.outside += int(np.count_nonzero(values > high))


def _on_edges(
    narrow: NDArray[np.float32], distances: NDArray[np.float64], finite: Mask | None
) -> bool:
    """Whether every finite distance is the beginning of its bin."""
    short = narrow.view(np.uint16)[1 - UPPER_HALF :: 2] == 0
    short &= narrow == distances
    return bool(short.all() if finite is None else short[finite].all())


def infinities_outside(counted: Numbers, limits: Limits | None) -> int:
    """Return how many infinite values lie outside the limits."""
    if limits is None:
        return 0
    below, above = infinite_of(counted.counts)
    return (limits[0] is not None) * below + (limits[1] is not None) * above


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
