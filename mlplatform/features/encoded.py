"""Rows as arrays: what encoding makes of raw columns, and what the feature program takes."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Encoded:
    """Rows as arrays: `numeric` f32[rows, n], NaN if missing; `integers` i32[rows, m]."""

    numeric: np.ndarray
    integers: np.ndarray

    def __len__(self) -> int:
        return len(self.numeric)

    def __getitem__(self, part: slice) -> "Encoded":
        return Encoded(self.numeric[part], self.integers[part])
