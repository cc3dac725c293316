"""The same rows computed twice: which feature values have other bits, how far predictions lie apart."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlplatform.errors import FeatureError
from mlplatform.measures import Example, ParitySeen

SHOWN = 5  # Differences kept as examples.

Floats = NDArray[np.float32]
Ids = NDArray[np.int32]


def ulps(first: Floats, second: Floats) -> NDArray[np.int64]:
    """Return how many float32 lie between each two numbers: 0 for equal ones, 1 for neighbours.

    Read as whole numbers, floats of one sign are in order; those of the other count down from zero
    (Dawson 2012, Comparing Floating Point Numbers; as `numpy.testing.assert_array_max_ulp`). NaN is
    as far from a number as its bits say.
    """
    apart: NDArray[np.int64] = np.abs(_ordered(first) - _ordered(second))
    return apart


def _ordered(values: Floats) -> NDArray[np.int64]:
    bits = np.ascontiguousarray(values, np.float32).view(np.int32).astype(np.int64)
    return np.where(bits < 0, -(bits & 0x7FFFFFFF), bits)


@dataclass
class Differences:
    """Counts what differs along one path, batch by batch.

    Attributes:
        path: What the second computation is called.
        names: Names of the feature columns: vectors, then ids.
        against: What the first one is called, in sentences.
    """

    path: str
    names: Sequence[str]
    against: str = "in the table"
    rows: int = 0
    furthest: int | None = None
    counts: NDArray[np.int64] = field(init=False)
    examples: list[Example] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.counts = np.zeros(len(self.names), np.int64)

    def features(
        self,
        rows: Sequence[object],
        first: tuple[NDArray[Any], ...],
        second: tuple[NDArray[Any], ...],
    ) -> None:
        """Compare the feature values of these rows, vectors and ids, in bits.

        Raises:
            FeatureError: If the second has another number of rows or of columns.
        """
        at = 0
        for one, other in zip(first, second, strict=True):
            if one.shape != other.shape or one.dtype != other.dtype:
                got = f"{other.dtype}{list(other.shape)}, not {one.dtype}{list(one.shape)}"
                raise FeatureError(f"{self.path}: features are {got}; this is another model")
            apart = _bits(one) != _bits(other)
            self.counts[at : at + one.shape[1]] += apart.sum(axis=0)
            for row in np.flatnonzero(apart.any(axis=1))[: SHOWN - len(self.examples)]:
                column = int(np.argmax(apart[row]))
                pair = one[row, column].item(), other[row, column].item()
                self.examples.append(self._example(rows[row], self.names[at + column], *pair))
            at += one.shape[1]
        self.rows += len(rows)

    def predictions(self, first: Floats, second: Floats) -> None:
        """Note the largest distance of two predictions of one row, in ulps.

        Raises:
            FeatureError: If they are not equally many.
        """
        if first.shape != second.shape:
            got = f"{len(second)} predictions of {len(first)} rows"
            raise FeatureError(f"{self.path}: {got}; this is another model")
        self.furthest = max(self.furthest or 0, int(ulps(first, second).max(initial=0)))

    def refused(self, row: object, why: str) -> None:
        """Count all features of a row that was not computed as different."""
        self.counts += 1
        self.rows += 1
        self.examples.insert(0, {"row_id": row, "refused": why})

    def seen(self) -> ParitySeen:
        """Return what was counted."""
        return ParitySeen(
            path=self.path,
            rows=self.rows,
            values=self.rows * len(self.names),
            different=int(self.counts.sum()),
            features={
                name: int(count)
                for name, count in zip(self.names, self.counts, strict=True)
                if count
            },
            ulps=self.furthest,
            worst=self._worst(),
            examples=tuple(self.examples),
        )

    def _example(self, row: object, name: str, first: float, second: float) -> Example:
        return {"row_id": row, "feature": name, "expected": _said(first), "got": _said(second)}

    def _worst(self) -> str:
        if not self.examples:
            return ""
        one = self.examples[0]
        if "refused" in one:
            return f"row {one['row_id']} is refused by {self.path}: {one['refused']}"
        pair = f"{one['expected']} {self.against}, {one['got']} by {self.path}"
        return f"row {one['row_id']}: {one['feature']} is {pair}"


def _bits(values: NDArray[Any]) -> NDArray[np.int32]:
    return np.ascontiguousarray(values).view(np.int32)


def _said(value: float) -> str:
    """The shortest text that only this float32, or whole number, has."""
    return str(np.float32(value)) if isinstance(value, float) else str(value)
