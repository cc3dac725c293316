import re

import numpy as np
import pyarrow as pa
import pytest

from benchmarks.quality.score import ranks, score
from benchmarks.tables import TABLES
from benchmarks.tables.table import ROOT, at_random


@pytest.mark.parametrize("name", ["adult", "flights", "delays"])
def test_a_table_of_the_pipelines_has_the_columns_it_says(name: str):
    table = TABLES[name]
    parts = table.load()
    for rows in (parts.train, parts.validation, *parts.tests.values()):
        assert {table.label, *table.numbers, *table.categories} <= set(rows.column_names)
    assert set(table.also) <= set(table.numbers)


def test_adult_is_the_official_split():
    parts = TABLES["adult"].load()
    assert parts.train.num_rows + parts.validation.num_rows == 32_561
    assert parts.tests["test"].num_rows == 16_281


def test_no_day_of_the_flights_is_on_two_sides():
    """Flights of one day share its weather; a random split would tell validation rows the answer."""
    parts = TABLES["flights"].load()
    assert 0.1 < parts.validation.num_rows / parts.train.num_rows < 0.2


def test_a_split_at_random_is_the_same_every_time_and_loses_no_row():
    table = pa.table({"x": np.arange(1000.0)})
    one, two = at_random(table), at_random(table)
    parts = (one.train, one.validation, one.tests["test"])
    assert one.train.equals(two.train)
    assert sorted(x for part in parts for x in part["x"].to_pylist()) == list(range(1000))
    assert [part.num_rows for part in parts] == [640, 160, 200]


def test_the_readme_tells_of_every_table():
    told = (ROOT / "benchmarks" / "tables" / "README.md").read_text(encoding="utf-8")
    assert re.findall(r"^\| (\w+) \|", told, re.MULTILINE) == ["table", *TABLES]


def test_equal_values_share_the_mean_of_their_ranks():
    assert ranks({"a": 0.9, "b": 0.8, "c": 0.8}, "auc") == {"a": 1, "b": 2.5, "c": 2.5}
    assert ranks({"a": 0.9, "b": 0.8}, "rmse") == {"a": 2, "b": 1}


def test_metrics_of_a_perfect_answer_are_perfect():
    labels = np.array([0, 1, 2, 1])
    assert score("multiclass", np.eye(3)[labels], labels)["accuracy"] == 1
    assert score("regression", labels.astype(float), labels)["rmse"] == 0
    assert score("binary", labels[:2].astype(float), labels[:2])["auc"] == 1
