import json

import numpy as np
import pyarrow as pa
import pytest

from mlplatform.errors import CorruptionError, PlatformError
from mlplatform.monitor.drift import measure, psi_by_column
from mlplatform.monitor.reference import cut, from_view, load
from mlplatform.validate.distance import EmptyWindowError
from mlplatform.validate.scan import Plan, scan

COLUMNS = ["age", "hours", "job"]


def people(rows, seed, *, older=0.0, jobs=(0.5, 0.3, 0.2)):
    rng = np.random.default_rng(seed)
    return pa.table(
        {
            "age": rng.normal(40 + older, 10, rows).round().astype(int),
            "hours": np.where(rng.random(rows) < 0.6, 40, rng.integers(1, 99, rows)),
            "job": rng.choice(["sales", "tech", "farm"], rows, p=jobs),
        }
    )


@pytest.fixture(scope="module")
def reference():
    return load(cut(people(20_000, seed=1), COLUMNS))


def test_the_same_kind_of_traffic_has_not_drifted(reference):
    drifted = psi_by_column(reference, people(500, seed=2))
    assert set(drifted) == set(COLUMNS)
    assert max(drifted.values()) < 0.05


def test_the_column_that_moved_comes_first_and_stands_out(reference):
    drifted = psi_by_column(reference, people(500, seed=2, older=10))
    assert next(iter(drifted)) == "age"
    assert drifted["age"] > 0.2
    assert drifted["hours"] < 0.05


@pytest.mark.parametrize(
    "changed",
    [
        pa.array([None] * 500, pa.int64()),
        pa.array(np.full(500, 40_000)),
        pa.array(np.full(500, -1)),
        pa.array(np.full(500, np.nan)),
    ],
    ids=["all missing", "another unit", "a marker", "not a number"],
)
def test_what_no_training_row_held_is_drift(reference, changed):
    window = people(500, seed=2).set_column(0, "age", changed)
    assert psi_by_column(reference, window)["age"] > 1


def test_new_categories_are_drift(reference):
    window = people(500, seed=2).set_column(2, "job", pa.array(["crypto"] * 250 + ["tech"] * 250))
    assert psi_by_column(reference, window)["job"] > 1


def test_the_measurement_keeps_what_was_seen_beside_what_chance_explains(reference):
    worst = measure(reference, people(500, seed=2, older=10))[0]
    assert worst.excess == pytest.approx(worst.psi - worst.expected)
    assert (worst.reference.rows, worst.current.rows) == (20_000, 500)


def test_a_window_with_no_rows_is_an_error_and_not_a_calm_day(reference):
    with pytest.raises(EmptyWindowError, match="drift cannot be measured"):
        psi_by_column(reference, people(0, seed=2))


def test_a_column_that_is_gone_is_an_error(reference):
    with pytest.raises(PlatformError, match="no column 'job'"):
        psi_by_column(reference, people(9, seed=2).drop_columns(["job"]))


def test_words_in_a_column_of_numbers_are_an_error_of_one_line(reference):
    window = people(2, seed=2).set_column(0, "age", pa.array(["old", "young"]))
    with pytest.raises(
        PlatformError, match="column 'age' of the window: Failed to parse"
    ) as caught:
        psi_by_column(reference, window)
    assert "\n" not in str(caught.value)


def test_a_reference_is_read_back_as_it_was_cut_and_equal_rows_give_equal_bytes():
    rows = people(500, seed=3)
    content = cut(rows, COLUMNS)
    assert content == cut(rows.combine_chunks(), list(COLUMNS))
    for name, histogram in load(content).items():
        assert histogram.bins.count(rows[name]) == histogram


def test_a_reference_of_no_rows_or_an_unknown_column_cannot_be_cut():
    with pytest.raises(EmptyWindowError, match="cannot be cut"):
        cut(people(0, seed=1), COLUMNS)
    with pytest.raises(PlatformError, match="no column 'wage'"):
        cut(people(9, seed=1), ["wage"])


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"{}",
        b'{"format": 2, "columns": {}}',
        b'{"format": 1, "columns": {"age": {"edges": [1], "counts": [1]}}}',
        b'{"format": 1, "columns": {"age": {"edges": [1], "counts": [1, -1, 1]}}}',
        b'{"format": 1, "columns": {"age": {"counts": []}}}',
        b"\xff\xfe",
    ],
)
def test_anything_else_is_no_reference(content):
    with pytest.raises(CorruptionError, match="no drift reference of format 1"):
        load(content)


def test_a_reference_is_small_json_without_the_rows(reference):
    content = cut(people(20_000, seed=1), COLUMNS)
    assert len(content) < 2_000
    assert json.loads(content)["rows"] == 20_000


def test_a_reference_is_cut_from_what_a_scan_counted_alike():
    rows = people(2_000, seed=4)
    plan = Plan(columns={"age": "int64", "hours": "int64", "job": "string"})
    view = scan(rows.to_batches(max_chunksize=300), plan).view()
    assert from_view(view, COLUMNS) == cut(rows, COLUMNS)


def test_times_are_no_part_of_a_reference_since_they_only_go_forward():
    rows = pa.table({"at": pa.array([1, 2], pa.timestamp("us", tz="UTC")), "n": [1, 2]})
    assert set(load(cut(rows, ["at", "n"]))) == {"n"}


def test_infinite_values_lie_in_the_outer_bins():
    rows = pa.table({"x": [float("-inf"), float("inf"), float("inf"), *range(100)]})
    reference = load(cut(rows, ["x"]))["x"]
    assert reference.rows == 103
    assert reference.bins.count(rows["x"]) == reference
