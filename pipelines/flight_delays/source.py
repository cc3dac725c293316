"""The flights that arrived, with what was known when their scheduled hour began."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

FLIGHTS = Path(__file__).parent / "data" / "flights.parquet"
LATE_MINUTES = 15  # The US Department of Transportation's definition of a late arrival.
WEEKDAYS = np.array(["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"])
HOUR, MINUTE = 3600, 60  # In seconds.


def flights() -> pa.Table:
    """Return one row per flight that arrived, in order of the scheduled departure."""
    stored = pq.read_table(FLIGHTS)
    # Cancelled flights never left and diverted ones arrived elsewhere: they have no arrival delay.
    flown = stored.filter(pc.is_valid(stored["arr_delay"]))
    hours = pc.strptime(flown["time_hour"], "%Y-%m-%dT%H:%M:%SZ", "s").cast(pa.int64()).to_numpy()
    delays = flown["dep_delay"].to_numpy()
    left = hours + MINUTE * (flown["minute"].to_numpy() + delays)
    airports = flown["origin"].to_numpy(zero_copy_only=False)
    anywhere = np.full(len(hours), "NYC")
    table = pa.table(
        {
            "time_hour": _utc(hours),
            "carrier": flown["carrier"].cast(pa.string()),
            "flight": flown["flight"],
            "tailnum": flown["tailnum"].cast(pa.string()),
            "origin": flown["origin"].cast(pa.string()),
            "dest": flown["dest"].cast(pa.string()),
            "distance": flown["distance"],
            "weekday": WEEKDAYS[_weekday(flown)],
            "departs": _minute_of_day(flown["sched_dep_time"]),
            "arrives": _minute_of_day(flown["sched_arr_time"]),
            "airport_delay": _recent_mean(delays, left, hours, airports, 2 * HOUR),
            "city_delay": _recent_mean(delays, left, hours, anywhere, 3 * HOUR),
            "departed": _utc(left.astype(np.int64)),
            "dep_delay": flown["dep_delay"],
            "air_time": flown["air_time"],
            "arr_delay": flown["arr_delay"],
            "late": pc.if_else(pc.greater(flown["arr_delay"], LATE_MINUTES), "yes", "no"),
        }
    )
    return table.sort_by(
        [("time_hour", "ascending"), ("carrier", "ascending"), ("flight", "ascending")]
    )


def _recent_mean(
    delays: np.ndarray, left: np.ndarray, hours: np.ndarray, groups: np.ndarray, seconds: int
) -> pa.Array:
    """Mean departure delay (minutes) of the group's flights that left in the `seconds` before the hour.

    A flight counts from the instant it left, never before: what is known is known by then. Null
    where none left.
    """
    means = np.full(len(hours), np.nan)
    for group in np.unique(groups):
        rows = np.flatnonzero(groups == group)
        rows_as_left = rows[np.argsort(left[rows], kind="stable")]
        total = np.concatenate([[0.0], np.cumsum(delays[rows_as_left])])
        first = np.searchsorted(left[rows_as_left], hours[rows] - seconds)
        end = np.searchsorted(left[rows_as_left], hours[rows])
        some = end > first
        means[rows[some]] = (total[end] - total[first])[some] / (end - first)[some]
    return pa.array(means, from_pandas=True)  # NaN is null.


def _weekday(flown: pa.Table) -> np.ndarray:
    """0 for Monday, by the local date."""
    year, month, day = (flown[name].to_numpy() for name in ("year", "month", "day"))
    months = ((year - 1970) * 12 + month - 1).astype("datetime64[M]")
    days = months.astype("datetime64[D]") + (day - 1).astype("timedelta64[D]")
    return np.asarray((days.astype(np.int64) + 3) % 7)  # 1970 began on a Thursday.


def _minute_of_day(clock: pa.ChunkedArray) -> np.ndarray:
    """Minutes since local midnight, of times written like 1345."""
    return np.asarray(clock.to_numpy() // 100 * 60 + clock.to_numpy() % 100)


def _utc(seconds: np.ndarray) -> pa.Array:
    return pa.array(seconds * 1_000_000, pa.timestamp("us", tz="UTC"))
