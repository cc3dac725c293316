"""Times of day: local time written as UTC, and dates whose time was lost, show in them."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mlplatform.measures import ShiftSeen
from mlplatform.spec import PipelineSpec
from mlplatform.validate.scan import ColumnView, View

HOUR = 3_600_000_000  # Microseconds, as times are counted.
HOURS = 24
LEAST_SPAN = 7 * HOURS * HOUR  # Of the reference: a shorter one may not have seen a whole day.
MOST = 0.5  # Of times in one hour, which half as many of the reference's are not in.


def clocks(spec: PipelineSpec, judged: View, reference: View) -> list[ShiftSeen]:
    """Return how the times of day of each column of times compare, by a sample of different times.

    A sample of different times knows which hours there are, but not how many rows each has, so
    only hours that the reference never had count, and nearly all times in one hour.
    """
    return [
        _clock(name, now.sample, reference.columns[name].sample)
        for name, now in judged.columns.items()
        if now.type == "timestamp"
        and name not in spec.unused
        and now.sample
        and _spans_days(reference.columns.get(name))
    ]


def _spans_days(column: ColumnView | None) -> bool:
    if column is None or column.type != "timestamp":
        return False
    least, most = column.minimum, column.maximum
    return least is not None and most is not None and most - least >= LEAST_SPAN


def _clock(name: str, now: Sequence[int], before: Sequence[int]) -> ShiftSeen:
    hours, was = _by_hour(now), _by_hour(before)
    # A clock that is put forward or back by an hour moves no one's day by more.
    known = (was + np.roll(was, 1) + np.roll(was, -1)) > 0
    fullest = int(np.argmax(hours))
    stuck = hours[fullest] > MOST * len(now) and 2 * was[fullest] < MOST * len(before)
    strange = np.flatnonzero((hours > 0) & ~known)
    return ShiftSeen(
        column=name,
        is_time=True,
        rows=len(now),
        reference_rows=len(before),
        spike=f"the hour from {fullest}:00 UTC" if stuck else "",
        spike_rows=int(hours[fullest]) if stuck else 0,
        spike_reference_rows=int(was[fullest]) if stuck else 0,
        spike_tried=HOURS,
        unseen=int(hours[strange].sum()),
        unseen_values=tuple(f"{hour}:00 UTC" for hour in strange[:3]),
    )


def _by_hour(times: Sequence[int]) -> "NDArray[np.int64]":
    hours = np.asarray(times, np.int64) // HOUR % HOURS
    return np.bincount(hours, minlength=HOURS)
