"""The same rows computed twice: which feature values have other bits, how far predictions lie apart."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlplatform.errors import FeatureError
from mlplatform.features.predicts import Predicts
from mlplatform.measures import Example, ParitySeen
from mlplatform.statistics.ulps import ulps

SHOWN = 5  # Differences kept as examples.

Floats = NDArray[np.float32]
Floats64 = NDArray[np.float64]
Ids = NDArray[np.int32]


def spacing_of(predicts: Predicts, predicted: Floats) -> Floats64:
    """Return f64 of the shape of `predicted`: one ulp of what each prediction was computed from.

    A probability p comes of log odds, whose last bit moves it by -log p of its own ulps: by 5 at
    p = 0.01. That many count as one. A number near 0 is what large ones left when they were added
    up: it is measured in ulps of the mean size of all.
    """
    size = np.abs(predicted.astype(np.float64))
    if predicts.task == "regression":
        known = size[np.isfinite(size)]
        least = np.float32(known.mean() if len(known) else 0.0)
        return np.spacing(np.maximum(size.astype(np.float32), least)).astype(np.float64)
    with np.errstate(divide="ignore"):
        condition = np.maximum(1.0, -np.log(np.maximum(size, np.finfo(np.float32).tiny)))
    return np.spacing(size.astype(np.float32)).astype(np.float64) * condition


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

    def predictions(self, first: Floats, second: Floats, spacing: Floats64 | None = None) -> None:
        """Note the largest distance of two predictions of one row, in ulps.

        Args:
            first: Predictions.
            second: Of the same rows.
            spacing: What one ulp of each is, see `spacing_of`; left out, its own.

        Raises:
            FeatureError: If they are not equally many.
        """
        if first.shape != second.shape:
            got = f"{len(second)} predictions of {len(first)} rows"
            raise FeatureError(f"{self.path}: {got}; this is another model")
        apart = ulps(first, second)
        if spacing is not None:
            exact = np.abs(first.astype(np.float64) - second.astype(np.float64)) / spacing
            known = np.isfinite(exact)
            apart = np.where(known, np.ceil(np.where(known, exact, 0)).astype(np.int64), apart)
        self.furthest = max(self.furthest or 0, int(apart.max(initial=0)))

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
