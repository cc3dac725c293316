"""What is counted of one column of vectors, in one atom: how many there are, and how long."""

from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

SLICE_ROWS = 8_192  # Taken at a time: vectors are wide.
CLASSES = 3  # Negative, positive, and rows without a label.
Counts = NDArray[np.int64]


@dataclass(frozen=True)
class Vectors:
    """Rows by class, and the sum of Euclidean lengths.

    Attributes:
        present: int64[CLASSES] of rows with a vector, like `missing` of those without.
        length: Sum over the vectors.
    """

    present: Counts = field(default_factory=lambda: np.zeros(CLASSES, np.int64))
    missing: Counts = field(default_factory=lambda: np.zeros(CLASSES, np.int64))
    length: float = 0.0

    def merge(self, other: "Vectors") -> "Vectors":
        """Return the counts of both parts' rows."""
        return Vectors(
            self.present + other.present,
            self.missing + other.missing,
            self.length + other.length,
        )


def vectors_of(column: pa.Array, classes: "NDArray[np.intp] | None") -> Vectors:
    """Count a batch of float32 lists; `classes` holds the class of each row, `None`: no label."""
    missing = np.asarray(column.is_null()).astype(np.intp)
    places = missing * CLASSES + (0 if classes is None else classes)
    found = np.bincount(places, minlength=2 * CLASSES).astype(np.int64)
    total = sum(_length(column[at : at + SLICE_ROWS]) for at in range(0, len(column), SLICE_ROWS))
    return Vectors(found[:CLASSES], found[CLASSES:], total)


def _length(column: pa.Array) -> float:
    """The sum of the vectors' lengths, each the root of a sum of squares."""
    numbers = np.asarray(column.flatten().fill_null(0.0)).astype(np.float64)
    widths = np.asarray(pc.list_value_length(column).drop_null(), np.int64)
    widths = widths[widths > 0]
    squares = np.add.reduceat(numbers**2, np.cumsum(widths) - widths) if len(widths) else numbers
    return float(np.sqrt(squares).sum())
