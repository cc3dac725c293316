"""A few rows that show why a gate failed."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlplatform.gates.data import judged
from mlplatform.measures import Anomaly
from mlplatform.validate.examples import Before, Wanted, examples, wanted_of
from mlplatform.validate.scan import Scan
from mlplatform_tests.validate import real_tables
from mlplatform_tests.validate.real_tables import World

ROWS = 500


@pytest.fixture(scope="module")
def adult() -> tuple[World, Scan]:
    """UCI Adult, and the scan of its reference."""
    world = real_tables.adult()
    return world, world.scan


def originated(table: pa.Table) -> pa.Table:
    """With the file and line of each row."""
    lines = pa.array(np.arange(1, table.num_rows + 1))
    files = pa.array(["new.csv"] * table.num_rows)
    return table.append_column("source_file", files).append_column("source_line", lines)


def planted(world: World, column: str, values: dict[int, object]) -> pa.Table:
    """A batch with these values in these rows."""
    batch = world.batch(ROWS, 0)
    found = batch[column].to_pylist()
    for row, value in values.items():
        found[row] = value
    field = batch.schema.field(column)
    return batch.set_column(batch.column_names.index(column), field, pa.array(found, field.type))


def shown(world: World, reference: Scan, batch: pa.Table) -> dict[str, list]:
    """Example rows by gate that failed."""
    m = world.measured(batch, reference)
    verdicts = judged(m, world.spec.data_gates, world.now)
    wanted = wanted_of(verdicts, m, world.spec, reference.view(), world.now)
    return examples(originated(batch).to_batches(), wanted)


def test_rows_without_a_value_are_shown(adult):
    world, reference = adult
    found = shown(world, reference, planted(world, "age", dict.fromkeys(range(100, 140))))
    assert found["missing_values"] == [
        {"source_file": "new.csv", "source_line": 101 + n, "age": None} for n in range(5)
    ]


def test_values_beyond_the_references_range_and_far_from_its_median_are_shown(adult):
    world, reference = adult
    found = shown(world, reference, planted(world, "age", dict.fromkeys(range(7, 30), 999)))
    for gate in ("value_ranges", "outliers"):
        assert [row["source_line"] for row in found[gate]] == [8, 9, 10, 11, 12]
        assert found[gate][0]["age"] == 999


def test_values_that_the_reference_never_had_are_shown(adult):
    world, reference = adult
    found = shown(
        world, reference, planted(world, "occupation", dict.fromkeys(range(40), "Sales\t"))
    )
    assert found["distribution"][0] == {
        "source_file": "new.csv",
        "source_line": 1,
        "occupation": "Sales\t",
    }


def test_anomalous_values_are_shown_by_the_column_of_the_anomaly(adult):
    world, reference = adult
    batch = planted(world, "occupation", {3: "Robotics"})
    anomaly = Anomaly(
        column="occupation", reason="ENUM_TYPE_UNEXPECTED_STRING_VALUES", detail="new"
    )
    m = replace(world.measured(batch, reference), anomalies=[anomaly])
    verdicts = judged(m, world.spec.data_gates, world.now)
    wanted = wanted_of(verdicts, m, world.spec, reference.view(), world.now)
    found = examples(originated(batch).to_batches(), wanted)
    assert found["data_schema"][0]["occupation"] == "Robotics"
    assert found["data_schema"][0]["source_line"] == 4


def test_personal_data_is_found_and_shown_by_its_shape_alone(adult):
    world, reference = adult
    batch = planted(world, "native_country", {9: "anna.smith@example.com", 11: None})
    found = shown(world, reference, batch)
    assert found["sensitive_data"] == [
        {
            "source_file": "new.csv",
            "source_line": 10,
            "native_country": "xxxx.xxxxx@xxxxxxx.xxx",
        }
    ]
    assert "anna" not in str(found)


def test_rows_that_repeat_an_earlier_one_are_shown(adult):
    world, reference = adult
    batch = world.batch(ROWS, 0)
    found = shown(world, reference, pa.concat_tables([batch, batch.slice(0, 100)]))
    assert [row["source_line"] for row in found["duplicates"]] == [501, 502, 503, 504, 505]


@pytest.mark.parametrize("named", [{"key": ["fnlwgt"]}, {"unused": {"fnlwgt": "a number"}}])
def test_rows_that_come_again_under_another_number_are_shown(named):
    world = real_tables.adult()
    said = {**world.spec.model_dump(mode="json"), "key": [], "unused": {}, **named}
    numbered = world.reference.append_column("once", pa.array(np.arange(20_000) / 7))
    place = numbered.column_names.index("fnlwgt")
    numbered = numbered.set_column(place, "fnlwgt", pa.array(np.arange(20_000)))
    spec = type(world.spec).model_validate(
        {**said, "columns": {**world.spec.columns, "once": "float64"}}
    )
    other = replace(world, spec=spec, reference=numbered)
    batch = numbered.slice(0, ROWS)
    batch = batch.set_column(place, "fnlwgt", pa.array(np.arange(ROWS) + 10**8))
    m = other.measured(batch, other.scan)
    verdicts = [v for v in judged(m, spec.data_gates, world.now) if v.gate == "duplicates"]
    wanted = wanted_of(verdicts, m, spec, other.scan.view(), world.now)
    both = originated(pa.concat_tables([numbered.slice(0, ROWS), batch]))
    found = examples(both.to_batches(), wanted)["duplicates"]
    assert [row["source_line"] for row in found] == [501, 502, 503, 504, 505]


def test_values_outside_declared_limits_and_domains_are_shown(adult):
    world, reference = adult
    limited = world.spec.model_dump(mode="json")
    limited["data_gates"]["value_ranges"] = {
        "columns": {"age": [0, 100]},
        "domains": {"sex": ["Female", "Male"]},
    }
    strict = replace(world, spec=type(world.spec).model_validate(limited))
    batch = planted(strict, "age", {4: 101, 5: 99})
    field = batch.schema.field("sex")
    sexes = ["X" if row == 6 else value for row, value in enumerate(batch["sex"].to_pylist())]
    batch = batch.set_column(batch.column_names.index("sex"), field, pa.array(sexes))
    found = shown(strict, reference, batch)["value_ranges"]
    assert {row["source_line"]: row.get("age", row.get("sex")) for row in found} == {5: 101, 7: "X"}


def test_rows_from_the_future_are_shown():
    world = real_tables.flights()
    reference = world.scan
    future = datetime(2030, 1, 1, tzinfo=UTC)
    batch = planted(world, "time_hour", {2: future, 3: None, 4: world.now + timedelta(hours=23)})
    found = shown(world, reference, batch)["freshness"]
    assert [(row["source_line"], row["time_hour"]) for row in found] == [(3, future)]


def test_data_that_passes_is_not_read(adult):
    world, reference = adult
    batch = world.batch(ROWS, 0)
    m = world.measured(batch, reference)
    verdicts = judged(m, world.spec.data_gates, world.now)
    assert wanted_of(verdicts, m, world.spec, reference.view(), world.now) == []

    def never() -> Iterator[pa.RecordBatch]:
        raise AssertionError("read")
        yield

    assert examples(never(), []) == {}


def test_reading_stops_when_there_are_enough_and_every_breach_has_its_turn():
    read = []

    def batches() -> Iterator[pa.RecordBatch]:
        for n in range(10):
            read.append(n)
            yield from originated(pa.table({"a": [n] * 4, "b": [n] * 4})).to_batches()

    every = [
        Wanted(gate="g", columns=(name,), mask=lambda b: np.ones(b.num_rows, bool)) for name in "ab"
    ]
    found = examples(batches(), every, limit=5)
    assert [set(row) & {"a", "b"} for row in found["g"]] == [{"a"}, {"b"}, {"a"}, {"b"}, {"a"}]
    assert read == [0, 1]


@given(st.lists(st.lists(st.integers(0, 30)), max_size=8))
def test_a_row_comes_again_if_any_before_it_is_equal(batches):
    before, seen = Before(), set()
    for values in batches:
        again = before.add(np.array(values, np.uint64))
        for value, told in zip(values, again.tolist(), strict=True):
            assert told is (value in seen)
            seen.add(value)


def test_memory_for_rows_that_come_again_does_not_grow_with_rows():
    dice = np.random.default_rng(0)
    before = Before(cap=1_000)
    last = np.empty(0, np.uint64)
    for _ in range(40):
        last = dice.integers(0, 2**64, 5_000, np.uint64)
        assert not before.add(last).any()
        assert before.held <= 1_000
    again = before.add(last)
    assert again.sum() >= 5
    assert not before.add(dice.integers(0, 2**64, 5_000, np.uint64)).any()
