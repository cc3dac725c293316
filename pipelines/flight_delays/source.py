"""The flights that arrived: their schedule, and what became of them."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

FLIGHTS = Path(__file__).parent / "data" / "flights.parquet"
LATE_MINUTES = 15  # The US Department of Transportation's definition of a late arrival.
MINUTE = 60  # In seconds.


def flights() -> pa.Table:
    """Return one row per flight that arrived, in order of the scheduled departure."""
    stored = pq.read_table(FLIGHTS)
    # Cancelled flights never left and diverted ones arrived elsewhere: they have no arrival delay.
    flown = stored.filter(pc.is_valid(stored["arr_delay"]))
    hours = pc.strptime(flown["time_hour"], "%Y-%m-%dT%H:%M:%SZ", "s").cast(pa.int64()).to_numpy()
    left = hours + MINUTE * (flown["minute"].to_numpy() + flown["dep_delay"].to_numpy())
    table = pa.table(
        {
            "time_hour": _utc(hours),
            "carrier": flown["carrier"].cast(pa.string()),
            "flight": flown["flight"],
            "tailnum": flown["tailnum"].cast(pa.string()),
            "origin": flown["origin"].cast(pa.string()),
            "dest": flown["dest"].cast(pa.string()),
            "distance": flown["distance"],
            "departs": _minute_of_day(flown["sched_dep_time"]),
            "arrives": _minute_of_day(flown["sched_arr_time"]),
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


def _minute_of_day(clock: pa.ChunkedArray) -> np.ndarray:
    """Minutes since local midnight, of times written like 1345."""
    return np.asarray(clock.to_numpy() // 100 * 60 + clock.to_numpy() % 100)


def _utc(seconds: np.ndarray) -> pa.Array:
    return pa.array(seconds * 1_000_000, pa.timestamp("us", tz="UTC"))
