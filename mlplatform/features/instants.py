"""Instants: columns of any unit and time zone, ISO 8601 text of JSON rows, and clocks on the wall."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mlplatform.errors import FeatureError
from mlplatform.features.columns import Column, has_missing, is_missing
from mlplatform.features.inputs import NO_TIME, ElapsedInput

SECOND, DAY = 1_000_000, 86_400_000_000  # In microseconds.
FIRST, LAST = -62_135_596_800 * SECOND, 253_402_300_800 * SECOND - 1  # Years 1 to 9999, in UTC.
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_UNITS = {"s": SECOND, "ms": 1000, "us": 1, "ns": 0}


def microseconds_of(value: datetime) -> int:
    """Return microseconds since 1970; without a time zone it is UTC."""
    aware = value if value.tzinfo else value.replace(tzinfo=UTC)
    return (aware - _EPOCH) // _MICROSECOND


def microseconds(times: Column, column: str) -> np.ndarray:
    """Return i64[rows] since 1970 of a column of times or dates, 0 where one is missing.

    Nanoseconds are cut off, as the lake keeps none. Times without a zone are UTC.

    Raises:
        FeatureError: Naming row and column of a time outside years 1 to 9999.
    """
    if isinstance(times, tuple):
        counts, unit = np.array([each or 0 for each in times], dtype=np.int64), 1
    else:
        counts, unit = _counts(times)
    if unit:
        require_within(counts, FIRST // unit, LAST // unit, column)
    return counts * unit if unit > 1 else counts if unit else counts // 1000


def _counts(times: pa.Array) -> tuple[np.ndarray, int]:
    """Return i64[rows] as they are stored, 0 where one is missing, and of how many microseconds each is.

    The unit of nanoseconds is 0: 64 bits of them reach from 1677 to 2262.
    """
    days = pa.types.is_date32(times.type)
    values = times.view(pa.int32() if days else pa.int64())
    if values.null_count:
        values = values.fill_null(0)
    unit = DAY if days else _UNITS[getattr(times.type, "unit", "ms")]
    return values.to_numpy().astype(np.int64, copy=False), unit


def require_within(counts: np.ndarray, first: int, last: int, column: str, clock: str = "") -> None:
    """Raise `FeatureError` naming row and column of a time before `first` or after `last`."""
    # What is before the first wraps round to a large number: one comparison sees both.
    outside = (counts - first).view(np.uint64) > np.uint64(last - first)
    if outside.any():
        row = int(outside.argmax())
        by = f" by the clock of {clock}" if clock else ""
        raise FeatureError(f"row {row}: column {column!r} is a time outside years 1 to 9999{by}")


def local_clock(times: Column, column: str, zone: str) -> np.ndarray:
    """Return i32[rows, 2] by the clock of `zone`: days since 1970, and seconds since midnight.

    Both are `NO_TIME` where the time is missing.

    Raises:
        FeatureError: Naming row and column of a time outside years 1 to 9999, here or in UTC.
    """
    local = microseconds(times, column)
    if zone != "UTC":
        local = _local(local, zone)
        require_within(local, FIRST, LAST, column, zone)
    days = local // DAY
    result = np.empty((len(local), 2), dtype=np.int32)
    result[:, 0] = days
    result[:, 1] = (local - days * DAY) // SECOND
    if has_missing(times):
        result[is_missing(times)] = NO_TIME
    return result


def _local(instants: np.ndarray, zone: str) -> np.ndarray:
    times = pa.array(instants).view(pa.timestamp("us", tz=zone))
    try:
        local: np.ndarray = pc.local_timestamp(times).view(pa.int64()).to_numpy()
    except pa.ArrowInvalid as wrong:
        raise FeatureError(
            f"time zone {zone!r} cannot be read on this machine; install tzdata: {wrong}"
        ) from None
    return local


def elapsed(later: Column, since: Column, one: ElapsedInput) -> np.ndarray:
    """Return f32[rows]: `one.column` minus `one.since` in its unit; NaN where one is missing.

    Raises:
        FeatureError: Naming row and column of a time outside years 1 to 9999.
    """
    difference = microseconds(later, one.column) - microseconds(since, one.since)
    result: np.ndarray = (difference / (one.unit_seconds * SECOND)).astype(np.float32)
    for times in (later, since):
        if has_missing(times):
            result[is_missing(times)] = np.nan
    return result
