import json
from dataclasses import replace
from datetime import UTC, datetime

import pyarrow as pa
import pytest

from mlplatform.features.catalogue import Source, aggregate_words, entries
from mlplatform.features.catalogue_lake import Use, sharing, statistics, uses
from mlplatform.features.catalogue_shown import as_json, details, rows
from mlplatform.features.declare import Aggregate
from mlplatform.features.encoder import Encoder
from mlplatform.features.inputs import NumberInput
from mlplatform.features.state import NumericState
from mlplatform.features.statistics import FeatureStatistics, Moments, Statistics
from mlplatform.lake import Lake, Lineage
from mlplatform.registry.record import Candidate, register
from mlplatform.verdict import Outcome
from mlplatform_tests.features.declared import load, pipeline

WHO = Lineage(asset="shops/model", run_id="run-1", code_version="test")
SOLD = (
    "Aggregate('sold', events='sales', by=['shop'], function='sum', column='amount', "
    "where=[('card', '==', True), ('number', '>', 15)], window='24h', description='Sold by card.')"
)
BILLS = (
    "Numeric('bills', column=Aggregate('bills', events='visits', by={'shop': 'shop'}, function='last',"
    " column='billed'))"
)
FEATURES = (
    "Numeric('size', bins=4, missing=0, description='Rooms.', owner='team:rooms')",
    "Numeric('rent')",
    "Datetime('at', parts=['hour', 'weekday'], cycles=['day'])",
    "Hashed('shop', buckets=64)",
    "Cross('when', of=['at__hour', 'shop'], buckets=100)",
    "Embedding('face')",
    "Text('note', buckets=16)",
    f"Numeric('sold', column={SOLD})",
    BILLS,
    "half",
)
HEAD = """import jax.numpy as jnp
from mlplatform.features.declare import *
@feature(['size', 'rent'], width=2)
def half(size, rent):
    "Half of | each."
    return jnp.stack([size, rent], 1) / 2
"""


@pytest.fixture
def catalogue(tmp_path):
    made = pipeline(tmp_path / "shops")
    listed = entries(made, load(tmp_path / "shops", *FEATURES, head=HEAD))
    return {entry.name: entry for entry in listed}


def test_an_entry_says_type_owner_and_where_it_is_declared(catalogue, tmp_path):
    types = {name: entry.type for name, entry in catalogue.items()}
    assert types == {
        "size": "float[≤4]",
        "rent": "float + missing",
        "at": "id[2] + float[2]",
        "shop": "id",
        "when": "id",
        "face": "float[8]",
        "note": "float[16]",
        "sold": "float + missing",
        "bills": "float + missing",
        "half": "float[2]",
    }
    size, half = catalogue["size"], catalogue["half"]
    assert (size.kind, size.description, size.owner) == ("Numeric", "Rooms.", "team:rooms")
    assert (size.how, size.file) == ("bins: 4; missing: 0", str(tmp_path / "shops" / "features.py"))
    assert (half.description, half.owner) == ("Half of | each.", "team:shops")
    assert half.file == f"{tmp_path / 'shops' / 'features.py'}:3"


def test_columns_say_when_their_values_are_known(catalogue):
    assert catalogue["size"].sources == (Source(column="size", type="int64"),)
    assert catalogue["rent"].sources[0].available == "from opened on"
    crossed = [source.column for source in catalogue["when"].sources]
    assert crossed == ["at", "shop"]
    assert [(s.column, s.type, s.available) for s in catalogue["sold"].sources] == [
        ("shop", "string", "at prediction"),
        ("at", "timestamp", "at prediction"),
        ("sales.amount", "float64", "from its commit on"),
        ("sales.card", "bool", "from its commit on"),
        ("sales.number", "int64", "from its commit on"),
        ("sales.time", "timestamp", "from its commit on"),
    ]
    assert [(s.column, s.available) for s in catalogue["bills"].sources[-2:]] == [
        ("visits.billed", "from the later of at and opened on"),
        ("visits.at", "from at on"),
    ]


def test_aggregates_are_told_in_words(catalogue):
    assert catalogue["sold"].description == "Sold by card."
    assert catalogue["sold"].aggregates == {
        "sold": "sum amount of sales where card == True and number > 15 by shop, last 24h"
    }
    assert catalogue["bills"].aggregates["bills"] == "last billed of visits by shop, ever"
    every = Aggregate("n", events="sales", by={}, window="2h")
    assert aggregate_words(every) == "count of sales, last 2h"
    renamed = Aggregate("n", events="sales", by={"tail": "plane", "day": "day"})
    assert aggregate_words(renamed) == "count of sales by tail = plane, day, ever"


def registered(lake, name, features, content=b"w"):
    """Register a model with these features under pipeline `name`; return its digest."""
    stored = json.dumps({"format": 2, "features": [{"name": each} for each in features]}).encode()
    digest = lake.artifacts.put({"features.json": stored, "params.safetensors": content})
    candidate = Candidate(
        model_digest=digest, metrics={}, verdict=Outcome.PASS, verdict_digests={},
        code_version="test", data_versions={},
    )  # fmt: skip
    register(lake, name, candidate, WHO, datetime.now(UTC))
    return digest


def test_models_use_what_their_features_json_names(tmp_path):
    lake, made = Lake(tmp_path / "lake"), pipeline(tmp_path)
    assert uses(lake, [made], {}) == {}
    registered(lake, "shops", ["size", "rent"])
    second = registered(lake, "shops", ["size"])
    registered(lake, "strangers", ["size"])
    found = uses(lake, [made], {second: "champion"})
    first = Use(pipeline="shops", model_version=1)
    assert found["size"] == [Use(pipeline="shops", model_version=2, live="champion"), first]
    assert found["rent"] == [first]
    both = uses(lake, [made, pipeline(tmp_path, "strangers")], {})["size"]
    assert [str(use) for use in both] == ["shops v2", "shops v1", "strangers v1"]


def test_live_models_are_found_however_old_they_are(tmp_path, monkeypatch):
    lake, made = Lake(tmp_path / "lake"), pipeline(tmp_path)
    digests = [registered(lake, "shops", ["size"], bytes([n])) for n in range(3)]
    monkeypatch.setattr("mlplatform.features.catalogue_lake.MODELS", 1)
    found = uses(lake, [made], {digests[0]: "champion"})["size"]
    assert [(use.model_version, use.live) for use in found] == [(3, ""), (1, "champion")]


def test_pipelines_share_a_file_by_whatever_path_they_name_it(tmp_path):
    for name in ("a", "b", "c"):
        (tmp_path / name).mkdir()
    first = pipeline(tmp_path / "a", "a")
    second = pipeline(tmp_path / "b", "b", features="../c/../a/features.py")
    other = pipeline(tmp_path / "c", "c")
    assert sharing(first, [first, second, other]) == [second]


def test_the_table_names_live_models_and_counts_the_others(catalogue):
    live = Use(pipeline="shops", model_version=3, live="champion")
    old = Use(pipeline="shops", model_version=1)
    uses_ = {"size": [live, old, old], "rent": [old, old]}
    shown = {line["feature"]: line for line in rows(list(catalogue.values()), uses_)}
    assert shown["size"]["models"] == "shops v3 (champion) and 2 more"
    assert shown["rent"]["models"] == "shops v1 and 1 more"
    assert shown["when"]["models"] == ""
    assert shown["sold"]["from"].startswith("sum amount of sales where card")


def test_before_anything_was_materialised_there_is_nothing_to_tell(catalogue, tmp_path):
    assert statistics(Lake(tmp_path / "lake"), pipeline(tmp_path)) == {}
    told = details(catalogue["size"], None, [])
    assert [title for title, _ in told] == [
        "feature", "description", "owner", "kind", "type", "column", "file",
    ]  # fmt: skip
    machine = as_json(catalogue["size"], None, [])
    assert (machine["statistics"], machine["models"]) == (None, [])


@pytest.fixture
def materialised(tmp_path):
    """A lake with a features version of ten rows, one of them of unknown size."""
    lake = Lake(tmp_path / "lake")
    encoder = Encoder(
        inputs=(NumberInput(column="size", type="int64"),),
        states=(
            NumericState(
                name="size", input=0, scale="none", log=False, clip=(), fill=0.0, indicator=False,
                edges=(), mean=0.0, deviation=1.0,
            ),
        ),
    )  # fmt: skip
    moments = Moments(rows=10, mean=2.5, squares=40.0, low=0.0, high=9.0, histogram={0: 10})
    counted = FeatureStatistics(kind="numeric", missing=1, columns={"size__scaled": moments})
    said = Statistics(rows=10, features={"size": counted}).to_json()
    facts = {
        "state": lake.artifacts.put({"features.json": encoder.to_json()}),
        "statistics": lake.artifacts.put({"statistics.json": said}),
    }
    who = replace(WHO, facts=facts)
    lake.table("shops/features").overwrite(pa.table({"row_id": [1]}), who)
    return lake


def test_statistics_of_the_newest_features_are_told(catalogue, materialised, tmp_path):
    seen = statistics(materialised, pipeline(tmp_path))
    assert list(seen) == ["size"]
    assert (seen["size"].version, seen["size"].rows) == (0, 10)
    told = details(catalogue["size"], seen["size"], [])
    assert ("features v0", "`size` numeric: 10 rows, 10.0% missing") in told
    assert any("mean 2.5" in text for title, text in told if title == "features v0")
    assert as_json(catalogue["size"], seen["size"], [])["statistics"]["rows"] == 10


def test_a_version_without_statistics_tells_none(tmp_path):
    lake = Lake(tmp_path / "lake")
    lake.table("shops/features").overwrite(pa.table({"row_id": [1]}), WHO)
    assert statistics(lake, pipeline(tmp_path)) == {}
