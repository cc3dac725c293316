"""What is counted of one column of numbers, in one atom."""

from dataclasses import dataclass, field, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from mlplatform.validate.scan.codes import (
    CODES,
    UPPER_HALF,
    Frame,
    infinite_of,
)
from mlplatform.validate.scan.distinct import Distinct, DistinctNumbers
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
    """Counts one column of one atom, block by block, in buffers it keeps."""

    def __init__(self, limits: Limits | None, block_rows: int) -> None:
        self._limits = limits
        self._counted = Numbers()
        self._distinct = DistinctNumbers()
        self._narrow = np.empty(block_rows, np.float32)
        self._codes = np.empty(block_rows, np.intp)

    def add(
        self,
        values: Values,
        null: Mask | None,
        frame: Frame,
        classes: "NDArray[np.intp] | None",
        out: NDArray[np.float64],
    ) -> Mask | None:
        """Count a block; write its distances to `out`, 0 where there is no finite value.

        Args:
            values: The numbers; anything where `null`.
            null: Where a value is missing; `None`: nowhere.
            frame: The column's bins; the same for all blocks that have a finite value.
            classes: Class of each row times `CODES`; `None`: no label.
            out: float64[rows], filled with (values - anchor) * scale.

        Returns:
            bool[rows], where there is a finite value; `None`: everywhere.
        """
        np.subtract(values, frame.anchor, out=out)
        if frame.scale != 1.0:
            out *= frame.scale
        if null is not None:
            out[null] = np.nan
        narrow = self._narrow[: len(out)]
        np.copyto(narrow, out, casting="same_kind")
        finite = None if np.isfinite(out.sum()) and null is None else self._finite(values, null)
        if finite is not None:
            overflown = finite & np.isinf(narrow)
            narrow[overflown] = np.copysign(np.finfo(np.float32).max, narrow[overflown])
            values = values[finite]
        self._count(narrow, classes)
        self._on_edges(narrow, out, finite)
        self._extremes(values)
        if len(values):
            self._distinct.add(values)
        if finite is None:
            return None
        out[~finite] = 0.0
        np.nan_to_num(out, copy=False)
        return finite

    def result(self) -> Numbers:
        """Return what was counted."""
        return replace(
            self._counted,
            counts=self._counted.counts.copy(),
            outside=self._counted.outside + infinities_outside(self._counted, self._limits),
            distinct=self._distinct.seen,
        )

    @staticmethod
    def _finite(values: Values, null: Mask | None) -> Mask | None:
        finite = np.isfinite(values)
        if null is not None:
            finite &= ~null
        return None if finite.all() else finite

    def _count(self, narrow: NDArray[np.float32], classes: "NDArray[np.intp] | None") -> None:
        codes = self._codes[: len(narrow)]
        np.copyto(codes, narrow.view(np.uint16)[UPPER_HALF::2])
        if classes is None:
            self._counted.counts[0] += np.bincount(codes, minlength=CODES)
            return
        codes += classes
        counts = np.bincount(codes, minlength=2 * CODES)
        self._counted.counts[: -(-len(counts) // CODES)] += np.pad(
            counts, (0, -len(counts) % CODES)
        ).reshape(-1, CODES)

    def _on_edges(
        self, narrow: NDArray[np.float32], out: NDArray[np.float64], finite: Mask | None
    ) -> None:
        if self._counted.on_edges:
            short = narrow.view(np.uint16)[1 - UPPER_HALF :: 2] == 0
            short &= narrow == out
            self._counted.on_edges = bool(short.all() if finite is None else short[finite].all())

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
    values: Values = np.frombuffer(buffer, kind, len(column), column.offset * 8)
    if not column.null_count:
        return values, None
    return values, np.asarray(pc.is_null(column))
