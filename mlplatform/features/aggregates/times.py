"""Columns of instants as the changes have them: microseconds since 1970, UTC."""

import numpy as np
import pyarrow as pa

from mlplatform.errors import FeatureError
from mlplatform.features.instants import FIRST, LAST

TIMESTAMP = pa.timestamp("us", tz="UTC")


def ticks(values: pa.Array) -> np.ndarray:
    """Return int64[n] of a column in microseconds; 0 where it is null."""
    result: np.ndarray = values.cast(pa.int64()).fill_null(0).to_numpy()
    return result


def instants(column: str, values: pa.Array, first_row: int) -> pa.Array:
    """Return a column of timestamps in microseconds, UTC; without a time zone they are UTC already.

    Raises:
        FeatureError: Naming column and row, counted from `first_row`, of the first one outside
            years 1 to 9999.
    """
    values = values.cast(TIMESTAMP)
    told = ticks(values)
    outside = np.flatnonzero((told < FIRST) | (told > LAST))
    if len(outside):
        row = first_row + outside[0]
        raise FeatureError(f"row {row}: column {column!r} is a time outside years 1 to 9999")
    return values
