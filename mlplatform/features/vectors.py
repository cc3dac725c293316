"""Columns of vectors: lists of numbers, all of one width."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mlplatform.errors import FeatureError


def vectors(array: pa.Array, column: str, size: int) -> np.ndarray:
    """Return f32[rows, size] of a column of lists, of fixed size or not; NaN in all where one is missing.

    Raises:
        FeatureError: Naming row and column of a list of another width, or of a number in it that is
            missing, NaN, infinite or too large.
    """
    present = array.is_valid().to_numpy(zero_copy_only=False)
    widths = pc.list_value_length(array).drop_null().to_numpy()
    rows = np.flatnonzero(present)
    if (wrong := np.flatnonzero(widths != size)).size:
        at = wrong[0]
        raise FeatureError(
            f"row {rows[at]}: column {column!r} has {widths[at]} numbers; {size} are expected"
        )
    numbers = array.flatten()  # Of rows that are there only.
    with np.errstate(over="ignore"):
        # Whole numbers too pass through float64, as those of a JSON row do.
        flat: np.ndarray = numbers.cast(pa.float64()).to_numpy(zero_copy_only=False)
        flat = flat.astype(np.float32)
    if (wrong := np.flatnonzero(~np.isfinite(flat))).size:
        at = wrong[0]
        raise FeatureError(
            f"row {rows[at // size]}: column {column!r} holds {numbers[at].as_py()} at place"
            f" {at % size}; finite 32-bit numbers are expected"
        )
    if len(rows) == len(array):
        return flat.reshape(-1, size)
    result = np.full((len(array), size), np.nan, dtype=np.float32)
    result[rows] = flat.reshape(-1, size)
    return result
