"""Every kind of declared feature in one set, over columns of every type, for tests of fitting and the program."""

from functools import cache

import jax.numpy as jnp
import numpy as np
import pyarrow as pa

from mlplatform.features import (
    Bucketize,
    Categorical,
    Cross,
    Datetime,
    Elapsed,
    Embedding,
    FeatureSet,
    Function,
    Hashed,
    Numeric,
    Text,
    feature,
)
from mlplatform.features.encoder import Encoder
from mlplatform.features.feature_program import FeatureProgram, export_features
from mlplatform.features.fitting import fit

COLUMNS = {
    "fare": "float64",
    "stops": "int64",
    "delay": "float64",
    "open": "bool",
    "city": "string",
    "plane": "string",
    "left": "timestamp",
    "booked": "timestamp",
    "note": "string",
    "face": "vector[5]",
}


@feature(columns=["fare", "delay", "open"])
def blended(fare, delay, is_open):
    """Products and sums, which a compiler may contract, and what it approximates."""
    wave = jnp.sin(fare * 0.1 + delay) * jnp.exp(-delay * delay / 900) + jnp.tanh(fare / 7)
    return wave + 0.3 * delay * is_open + jnp.log1p(jnp.abs(fare)) / (1 + delay * delay)


@feature(columns=["fare", "stops"], width=2)
def ratios(fare, stops):
    """Two numbers, of which one is infinite where there are no stops."""
    return jnp.stack([fare / stops, fare * stops - fare], axis=1)


@feature(columns=["fare", "stops", "delay"], width=3)
def projected(fare, stops, delay):
    """A matrix product and a sum, whose order of additions is the compiler's."""
    weights = np.linspace(-1, 1, 9, dtype=np.float32).reshape(3, 3)
    row = jnp.nan_to_num(jnp.stack([fare, stops, delay], axis=1))
    return row @ weights + row.sum(axis=1, keepdims=True)


FEATURES = FeatureSet(
    [
        Categorical("city", min_count=2),
        Numeric("fare"),
        Numeric("fare_bins", column="fare", bins=6, log=True),
        Numeric("fare_rank", column="fare", scale="quantile", clip=(0, 200)),
        Numeric("stops", scale="none", missing=-1),
        blended,
        Datetime(
            "left", parts=("hour", "weekday", "day", "month", "day_of_year"), timezone="Europe/Rome"
        ),
        Numeric("delay", scale="quantile", log=True),
        Bucketize("stops_level", column="stops", edges=(2, 4)),
        Bucketize("delay_level", column="delay", quantiles=5),
        Elapsed("lead", "left", since="booked", unit="hours", bins=4),
        Embedding("face"),
        Hashed("plane", buckets=32),
        Categorical("is_open", column="open"),
        Cross("city_stops", of=("city", "stops_level")),
        ratios,
        Cross("city_hour_plane", of=("city", "left__hour", "plane"), buckets=50),
        Text("note", buckets=8, ngrams=2),
        Datetime("seasons", column="left", cycles=("year", "day", "week"), timezone="Europe/Rome"),
        projected,
    ]
)
FUNCTIONS = {one.name: one.function for one in FEATURES.features if isinstance(one, Function)}


def dataset(rows: int, seed: int = 0) -> pa.Table:
    """Trips; in every column some values are missing."""
    rng = np.random.default_rng(seed)

    def some(values: object, kind: pa.DataType | None = None) -> pa.Array:
        return pa.array(values, kind, mask=rng.random(rows) < 0.1)

    left = rng.integers(-(10**15), 2 * 10**15, rows)
    faces = rng.normal(size=(rows, 5)).astype(np.float32)
    at = pa.timestamp("us", "UTC")
    return pa.table(
        {
            "row_id": np.arange(rows),
            "fare": some(np.exp(rng.normal(2, 2, rows))),
            "stops": some(rng.integers(0, 7, rows)),
            "delay": some(np.where(rng.random(rows) < 0.3, 0, rng.normal(0, 30, rows))),
            "open": some(rng.random(rows) < 0.5),
            "city": some(rng.choice(["Paris", "Oslo", "Rome"], rows)),
            "plane": some(rng.integers(0, 999, rows).astype(str)),
            "left": some(left.astype("datetime64[us]"), at),
            "booked": some((left - rng.integers(0, 10**12, rows)).astype("datetime64[us]"), at),
            "note": some(rng.choice(["a late train", "on time", "late late", ""], rows)),
            "face": some(faces.tolist(), pa.list_(pa.float32())),
        }
    )  # fmt: skip


@cache
def encoder() -> Encoder:
    """The features fitted on some trips."""
    return fit(FEATURES, dataset(500).to_batches(120), COLUMNS)


@cache
def program() -> FeatureProgram:
    """Their program: compiled once a process."""
    return FeatureProgram.load(export_features(encoder(), FUNCTIONS), encoder())
