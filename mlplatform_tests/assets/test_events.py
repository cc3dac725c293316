"""A pipeline with event tables, walked: its own rows as events, and a table from a source of its own."""

import csv
import json
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
import yaml

from mlplatform.monitor import reference
from mlplatform_tests.assets.conftest import Walk, failed_steps, walk_in
from mlplatform_tests.small import QUICK_LATENCY, QUICK_THROUGHPUT, change

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
ROWS, SHOPS, CLICKS = 1200, 6, 900
FEATURES = """
from mlplatform.features import Aggregate, Categorical, FeatureSet, Numeric

spent = Aggregate("spent", events="orders", by=["shop"], function="sum", column="amount", window="12h")
clicks = Aggregate("clicks", events="clicks", by=["shop"], where=[("kind", "==", "buy")], window="WINDOW")
features = FeatureSet(
    [Numeric("amount"), Numeric("spent", column=spent), Numeric("clicks", column=clicks), Categorical("shop")]
)
"""


def written(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")


def shops(home: Path) -> Walk:
    """Write a pipeline of orders, and of clicks that became known an hour after they happened."""
    folder, dice = home / "pipelines" / "shops", np.random.default_rng(0)
    folder.mkdir(parents=True)
    spec = {
        "name": "shops",
        "source": {"kind": "csv", "files": ["orders.csv"]},
        "columns": {
            "order": "int64", "ordered": "timestamp", "shop": "string", "amount": "float64", "returned": "string",
        },
        "key": ["order"],
        "event_time": "ordered",
        "events": {
            "orders": {"event_time": "ordered", "known_at": "ordered"},
            "clicks": {
                "source": {"kind": "csv", "files": ["clicks.csv"]},
                "columns": {"shop": "string", "kind": "string", "at": "timestamp", "seen": "timestamp"},
                "event_time": "at",
                "known_at": "seen",
            },
        },
        "label": {"column": "returned", "positive": "yes"},
        "split": {"test": 0.3, "validation": 0.2},
        "model": {"hidden": [8], "epochs": 30, "batch_size": 64},
        "data_gates": {"freshness": {"max_age_days": 36500}, "sensitive_data": {"severity": "warn"}},
        "model_gates": {
            "calibration": {"max_error": 0.5}, "latency": QUICK_LATENCY, "throughput": QUICK_THROUGHPUT,
        },
    }  # fmt: skip
    document = {"type": "assets.MLPipeline", "attributes": spec}
    (folder / "defs.yaml").write_text(yaml.safe_dump(document, sort_keys=False))
    (folder / "features.py").write_text(FEATURES.replace("WINDOW", "6h"))
    with (folder / "orders.csv").open("w", newline="") as file:
        lines = csv.writer(file)
        lines.writerow(spec["columns"])
        for order in range(ROWS):
            amount = round(float(dice.gamma(2, 20)), 2)
            returned = "yes" if amount + dice.normal(0, 22) > 45 else "no"
            at = BEGIN + timedelta(minutes=5 * order)
            lines.writerow([order, written(at), f"shop{dice.integers(SHOPS)}", amount, returned])
    with (folder / "clicks.csv").open("w", newline="") as file:
        lines = csv.writer(file)
        lines.writerow(["shop", "kind", "at", "seen"])
        for _ in range(CLICKS):
            at = BEGIN + timedelta(minutes=int(dice.integers(5 * ROWS)))
            seen = at + timedelta(hours=1)
            kind = ("buy", "look")[dice.integers(2)]
            lines.writerow([f"shop{dice.integers(SHOPS)}", kind, written(at), written(seen)])
    return walk_in(home, "shops")


@pytest.fixture(scope="module")
def at_features(tmp_path_factory: pytest.TempPathFactory) -> Walk:
    """The walk up to `features`."""
    walk = shops(tmp_path_factory.mktemp("shops"))
    steps = ("source", "dataset", "reference", "split", "clicks/source", "aggregates", "features")
    result = walk.run(*steps)
    assert result.success, failed_steps(result)
    return walk


@pytest.fixture(scope="module")
def deployed(at_features: Walk) -> Walk:
    """The same walk, to its end."""
    result = at_features.run(
        "model", "evaluation", "gate_verdict", "registered_model", "deployment"
    )
    assert result.success, failed_steps(result)
    return at_features


@pytest.fixture
def copied(deployed: Walk, tmp_path: Path) -> Walk:
    """A copy of that walk, to be spoiled."""
    shutil.copytree(deployed.folder.parents[1], tmp_path / "home")
    return walk_in(tmp_path / "home", "shops")


def test_rows_count_the_events_that_were_known_before_their_time(at_features: Walk) -> None:
    lake = at_features.lake
    orders = lake.table("shops/dataset").read().to_pylist()
    clicks = [c for c in lake.table("shops/clicks/source").read().to_pylist() if c["kind"] == "buy"]
    scaled = lake.table("shops/features").read().column("clicks__scaled").to_pylist()
    counts = [
        sum(
            c["shop"] == o["shop"]
            and c["seen"] < o["ordered"]
            and c["at"] >= o["ordered"] - timedelta(hours=6)
            for c in clicks
        )
        for o in orders
    ]
    by_count = {count: scaled[k] for k, count in enumerate(counts)}
    assert len(by_count) > 3
    assert [by_count[count] for count in counts] == scaled
    assert sorted(by_count.values()) == [by_count[count] for count in sorted(by_count)]


def test_a_served_candidate_looks_up_what_training_saw(deployed: Walk) -> None:
    said = deployed.said("model")["training_serving_skew"]
    assert said.passed
    assert "1,200 rows by batch, 1,200 rows by server" in said.because


def test_the_drift_reference_knows_the_aggregates(deployed: Walk) -> None:
    model = deployed.lake.table("shops/model").latest()
    content = deployed.lake.artifacts.open(model.lineage.facts["artifact"]).read("reference.json")
    assert {"amount", "spent", "clicks"} <= set(reference.load(content))


def test_an_event_table_that_its_gates_refuse_is_not_counted(copied: Walk) -> None:
    walk = copied
    with (walk.folder / "clicks.csv").open("a") as file:
        file.writelines("shop1,buy,never,never\n" for _ in range(400))
    before = walk.lake.table("shops/aggregates").latest()
    result = walk.run("clicks/source", "aggregates")
    assert not result.success
    assert not walk.said("clicks/source")["malformed_rows"].passed
    assert walk.lake.table("shops/aggregates").latest() == before
    alone = walk.run("aggregates")
    assert not alone.success
    assert walk.lake.table("shops/aggregates").latest() == before


def test_a_live_model_keeps_its_aggregates_beside_those_of_another_definition(copied: Walk) -> None:
    (copied.folder / "features.py").write_text(FEATURES.replace("WINDOW", "3h"))
    before = copied.lake.table("shops/aggregates").latest()
    assert copied.run("aggregates").success
    after = copied.lake.table("shops/aggregates").latest()
    keys = [set(json.loads(version.lineage.facts["aggregates"])) for version in (before, after)]
    assert keys[0] < keys[1]
    assert len(keys[1]) == 3


def test_no_verdict_passes_whose_event_table_was_judged_under_another_policy(copied: Walk) -> None:
    change(copied.folder, data_gates__row_count__minimum=101)
    rest = ("source", "dataset", "reference", "split", "features", "model", "evaluation")
    assert copied.run(*rest).success
    result = copied.run("gate_verdict")
    assert not result.success
    verdict = copied.lake.table("shops/gate_verdict").read().to_pylist()[-1]
    assert verdict["outcome"] == "fail"
    assert verdict["because"].startswith("events clicks: ")
