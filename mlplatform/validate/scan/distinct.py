"""How many distinct values a column has, and a fair sample of them: the k smallest hashes (KMV).

Bar-Yossef et al. (2002); the estimate (k - 1) / (k-th smallest hash in [0, 1)) has a standard error
of 1 / sqrt(k - 2) (Beyer et al. 2007, doi:10.1145/1247480.1247504), 2.2 % here. What is kept depends
on the set of values alone: neither on their order nor on how often each occurs.
"""

from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from mlplatform.ingest.hashing import row_hashes

KEPT = 2_000  # Distinct values kept.
END = float(2**64)
SLOTS = 16  # Bits: 65,536 places that remember hashes seen, so that few values come twice.
FEW = np.uint64(2**60)  # Below this threshold so few hashes pass that none need be remembered.
WAITING = 8 * KEPT  # Numbers that wait to be sorted among those kept.
GOLDEN = np.uint64(0x9E3779B97F4A7C15)  # 2^64 / golden ratio: Fibonacci hashing, Knuth 6.4.


class Distinct:
    """The `KEPT` smallest hashes of the values seen, each with its value."""

    def __init__(self, hashes: "NDArray[np.uint64]", values: "NDArray[Any]") -> None:
        self.hashes, self.values = hashes, values  # By ascending hash.

    @classmethod
    def none(cls) -> "Distinct":
        """Of no values."""
        return cls(np.empty(0, np.uint64), np.empty(0, object))

    @property
    def full(self) -> bool:
        """Whether there may be more values than these."""
        return len(self.hashes) == KEPT

    @property
    def count(self) -> float:
        """How many distinct values there are: exact below `KEPT`, else the estimate."""
        if not self.full:
            return float(len(self.hashes))
        return (KEPT - 1) / (float(self.hashes[-1]) / END)

    def add(self, hashes: "NDArray[np.uint64]", values: "NDArray[Any]") -> "Distinct":
        """Return these and those; hashes and values correspond."""
        limit = self.hashes[-1] if self.full else _enough(hashes)
        if limit is not None:
            near = np.flatnonzero(hashes <= limit)
            hashes, values = hashes[near], values[near]
        if not len(hashes):
            return self
        joined = np.concatenate([self.hashes, hashes])
        kept, first = np.unique(joined, return_index=True)
        all_values = np.concatenate([self.values, values]) if len(self.values) else values
        return Distinct(kept[:KEPT], all_values[first[:KEPT]])

    def merge(self, other: "Distinct") -> "Distinct":
        """Return what is kept of both parts' values."""
        return self.add(other.hashes, other.values) if len(other.hashes) else self


def _enough(hashes: "NDArray[np.uint64]") -> "np.uint64 | None":
    """Return a hash up to which `KEPT` distinct ones lie, of many; `None` where that is not quick."""
    if len(hashes) < 4 * KEPT:
        return None
    few = unique(np.partition(hashes, 2 * KEPT)[: 2 * KEPT])
    return few[KEPT - 1] if len(few) >= KEPT else None


def unique(hashes: "NDArray[np.uint64]") -> "NDArray[np.uint64]":
    """Return the distinct hashes, ascending; numpy's own looks them up one by one, far slower."""
    ordered = np.sort(hashes)
    first = np.ones(len(ordered), bool)
    np.not_equal(ordered[1:], ordered[:-1], out=first[1:])
    return np.asarray(ordered[first])


def of_texts(seen: Distinct, texts: pa.Array) -> Distinct:
    """Return `seen` with these texts, which are not null."""
    hashes = row_hashes(pa.record_batch({"": texts}), [""])
    near = np.flatnonzero(hashes < seen.hashes[-1]) if seen.full else np.arange(len(hashes))
    few = near[np.argsort(hashes[near])[:KEPT]]
    values = np.array(texts.take(pa.array(few)).to_pylist(), object)
    return seen.add(hashes[few], values)


class DistinctNumbers:
    """Keeps `Distinct` of numbers that come in great blocks, mostly seen before."""

    def __init__(self) -> None:
        self._seen = Distinct.none()
        self._slots: NDArray[np.uint64] | None = None
        self._waiting: list[NDArray[Any]] = []
        self._waiting_rows = 0
        self._first = True

    def add(self, values: "NDArray[np.float64] | NDArray[np.int64]", work: "Work") -> None:
        """Take a block of numbers, without NaN."""
        hashes = hashes_of(values, work)
        limit = self._limit(hashes)
        fresh = self._unknown(hashes, work) if limit is None else np.flatnonzero(hashes <= limit)
        if len(fresh):
            self._waiting.append(values[fresh])
            self._waiting_rows += len(fresh)
        if self._waiting_rows > WAITING or (limit is not None and not self._seen.full):
            self.result()

    def _limit(self, hashes: "NDArray[np.uint64]") -> "np.uint64 | None":
        """Return a hash that few values lie below, which all that is kept does; `None`: not known."""
        if self._seen.full and self._seen.hashes[-1] < FEW:
            return np.uint64(self._seen.hashes[-1])
        first, self._first = self._first, False
        return _enough(hashes) if first else None

    def result(self) -> Distinct:
        """Return what is kept of the values so far."""
        if self._waiting:
            values = np.concatenate(self._waiting)
            values += 0  # Makes -0.0 the 0.0 that it equals.
            self._seen = self._seen.add(hashes_of(values, Work(len(values))), values)
            self._waiting, self._waiting_rows = [], 0
        return self._seen

    def _unknown(self, hashes: "NDArray[np.uint64]", work: "Work") -> "NDArray[np.intp]":
        """Return the places of hashes that the slots do not remember, and remember them."""
        if self._slots is None:
            self._slots = np.zeros(1 << SLOTS, np.uint64)
            self._slots[0] = ~np.uint64(0)  # Its place is another: no hash is known beforehand.
        slots = np.right_shift(hashes, np.uint64(64 - SLOTS), out=work.bits[: len(hashes)])
        places = slots.view(np.int64)
        fresh = np.flatnonzero(self._slots.take(places) != hashes)
        self._slots[places[fresh]] = hashes[fresh]
        return fresh


class Work:
    """Arrays in between, of one block of one column; kept, since making them costs more than using."""

    def __init__(self, rows: int) -> None:
        self.rows = rows
        self.narrow = np.empty(rows, np.float32)
        self.codes = np.empty(rows, np.intp)
        self.hashes = np.empty(rows, np.uint64)
        self.bits = self.codes.view(np.uint64)  # The codes are counted by then.


def hashes_of(
    values: "NDArray[np.float64] | NDArray[np.int64]", work: Work
) -> "NDArray[np.uint64]":
    """uint64[n], in `work`: the upper bits depend on all of a number's, and only they are compared."""
    return np.multiply(values.view(np.uint64), GOLDEN, out=work.hashes[: len(values)])
