"""A pipeline of trips with every kind of feature that a plain table can feed, for tests of the feature table."""

from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pyarrow as pa

from mlplatform.features.batch_function import ENCODER, PROGRAM, BatchFunction
from mlplatform.features.declare import (
    Bucketize,
    Categorical,
    Cross,
    Datetime,
    FeatureSet,
    Hashed,
    Numeric,
    Text,
    feature,
)
from mlplatform.features.feature_program import export_features
from mlplatform.features.fitting import fit
from mlplatform.features.incremental import Inputs
from mlplatform.lake import Lake, Lineage, Version
from mlplatform.spec import Pipeline, validate

WHO = Lineage(asset="trips/features", run_id="run", code_version="code")
COLUMNS = {
    "fare": "float64",
    "stops": "int64",
    "city": "string",
    "left": "timestamp",
    "note": "string",
    "late": "string",
}


@feature(columns=["fare", "stops"], width=2)
def fare_of_stops(fare, stops):
    """Fare by stop, and its square."""
    import jax.numpy as jnp

    each = fare / (1 + stops)
    return jnp.stack([each, each * each], axis=1)


FEATURES = FeatureSet(
    [
        Numeric("fare", log=True),
        Numeric("stops", bins=3),
        Categorical("city", min_count=2),
        Bucketize("stops_level", column="stops", edges=(2, 4)),
        Hashed("note_id", column="note", buckets=16),
        Cross("city_level", of=("city", "stops_level")),
        Datetime("left", parts=("hour",), cycles=("day",)),
        Text("note", buckets=4),
        fare_of_stops,
    ]
)


def pipeline(folder: Path) -> Pipeline:
    """The pipeline of trips."""
    attributes = {
        "name": "trips",
        "source": {"kind": "csv", "files": ["trips.csv"]},
        "columns": COLUMNS,
        "label": {"column": "late", "positive": "yes"},
    }
    return Pipeline(spec=validate(attributes, folder / "defs.yaml"), folder=folder)


def dataset(rows: int, first: int = 0, seed: int = 0) -> pa.Table:
    """Trips `first` to `first + rows`; some values are missing."""
    rng = np.random.default_rng([seed, first])
    left = rng.integers(0, 10**15, rows).astype("datetime64[us]")
    return pa.table(
        {
            "row_id": np.arange(first, first + rows),
            "fare": pa.array(np.exp(rng.normal(2, 1, rows)), mask=rng.random(rows) < 0.1),
            "stops": pa.array(rng.integers(0, 7, rows), mask=rng.random(rows) < 0.1),
            "city": pa.array(rng.choice(["Paris", "Oslo", "Rome"], rows), mask=rng.random(rows) < 0.1),
            "left": pa.array(left, pa.timestamp("us", "UTC"), mask=rng.random(rows) < 0.1),
            "note": pa.array(rng.choice(["late train", "on time", ""], rows), mask=rng.random(rows) < 0.1),
            "late": rng.choice(["yes", "no"], rows),
        }
    )  # fmt: skip


def split(data: pa.Table) -> pa.Table:
    """Of five rows three train, one validates, one tests."""
    part = np.array(["train", "validation", "test", "train", "train"])
    return pa.table({"row_id": data["row_id"], "part": part[data["row_id"].to_numpy() % 5]})


@cache
def function() -> BatchFunction:
    """The batch function of `FEATURES`, fitted on the first 400 trips: compiled once a process."""
    encoder = fit(FEATURES, dataset(400).to_batches(), COLUMNS)
    functions = {fare_of_stops.name: fare_of_stops.function}
    files = {ENCODER: encoder.to_json(), PROGRAM: export_features(encoder, functions)}
    return BatchFunction.load(files)


def stored(lake: Lake, data: pa.Table, *, behind: bool = False) -> Inputs:
    """Write a dataset and its split, in place of the rows there are or behind them."""
    versions: dict[str, Version] = {}
    for noun, table in (("dataset", data), ("split", split(data))):
        to = lake.table(f"trips/{noun}")
        token = f"from {data['row_id'][0]}" if behind else ""
        versions[noun] = to.append(table, WHO, token=token) if behind else to.overwrite(table, WHO)
    return Inputs(**versions)


def lineage(inputs: Inputs, **facts: str) -> Lineage:
    """Who writes features made from `inputs`."""
    read = {v.table: v.reference for v in (inputs.dataset, inputs.split, inputs.aggregates) if v}
    return replace(WHO, inputs=read, facts=facts)
