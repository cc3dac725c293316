"""Columns of vectors: lists of numbers, all of one width."""

from itertools import chain

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mlplatform.errors import FeatureError
from mlplatform.features.columns import TOO_LARGE, Column, is_missing


def vectors(lists: Column, column: str, size: int) -> np.ndarray:
    """Return f32[rows, size] of a column of lists, of fixed size or not; NaN in all where one is missing.

    Raises:
        FeatureError: Naming row and column of a list of another width, or of a number in it that is
            missing, NaN, infinite or too large.
    """
    rows = np.flatnonzero(~is_missing(lists))
    widths, flat = _values_given(lists) if isinstance(lists, tuple) else _arrow(lists)
    if (wrong := np.flatnonzero(widths != size)).size:
        at = wrong[0]
        raise FeatureError(
            f"row {rows[at]}: column {column!r} has {widths[at]} numbers; {size} are expected"
        )
    fits = np.isfinite(flat) if flat.dtype == np.float32 else np.abs(flat) < TOO_LARGE
    if np.count_nonzero(fits) != fits.size:
        at = int(np.argmin(fits))
        raise FeatureError(
            f"row {rows[at // size]}: column {column!r} holds {flat[at]} at place {at % size};"
            " finite 32-bit numbers are expected"
        )
    found: np.ndarray = flat.astype(np.float32, copy=False).reshape(-1, size)
    if len(rows) == len(lists):
        return found
    result = np.full((len(lists), size), np.nan, dtype=np.float32)
    result[rows] = found
    return result


def _arrow(lists: pa.Array) -> tuple[np.ndarray, np.ndarray]:
    """Return the widths of the lists that are there, and all their numbers, as f32 or f64."""
    widths = pc.list_value_length(lists).drop_null().to_numpy()
    numbers = lists.flatten()
    if not pa.types.is_float32(numbers.type):
        numbers = numbers.cast(
            pa.float64(), safe=False
        )  # As those of a JSON row are, so that they round alike.
    return widths, numbers.to_numpy(zero_copy_only=False)


def _values_given(lists: tuple[list[float] | None, ...]) -> tuple[np.ndarray, np.ndarray]:
    there = [one for one in lists if one is not None]
    widths = np.array([len(one) for one in there], dtype=np.int64)
    return widths, np.array(list(chain.from_iterable(there)), dtype=np.float64)
