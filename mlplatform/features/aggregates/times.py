"""Instants as int64 microseconds since 1970, UTC."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa

from mlplatform.errors import FeatureError

FIRST_US, LAST_US = -62_135_596_800_000_000, 253_402_300_799_999_999  # Years 1 to 9999.
TIMESTAMP = pa.timestamp("us", tz="UTC")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def microseconds(values: pa.Array) -> np.ndarray:
    """Return int64[n] of a timestamp[us] column; 0 where it is null."""
    result: np.ndarray = values.cast(pa.int64()).fill_null(0).to_numpy()
    return result


def microseconds_of(instant: datetime) -> int:
    """Return one instant; without a time zone it is UTC."""
    aware = instant if instant.tzinfo else instant.replace(tzinfo=UTC)
    return (aware - _EPOCH) // _MICROSECOND


def instants(column: str, values: pa.Array, first_row: int = 0) -> pa.Array:
    """Return a timestamp column in microseconds, UTC; without a time zone it is UTC already.

    Raises:
        FeatureError: Naming column and row of the first date outside years 1 to 9999, or if it
            holds no timestamps.
    """
    if not pa.types.is_timestamp(values.type):
        raise FeatureError(f"column {column!r} holds {values.type}; a timestamp is expected")
    try:
        values = values.cast(TIMESTAMP, safe=False)
    except pa.ArrowInvalid as wrong:
        raise FeatureError(f"column {column!r}: {wrong}") from None
    told = microseconds(values)
    outside = np.flatnonzero((told < FIRST_US) | (told > LAST_US))
    if len(outside):
        raise FeatureError(
            f"row {first_row + outside[0]}: column {column!r} is {told[outside[0]]} microseconds"
            " after 1970, outside years 1 to 9999"
        )
    return values
