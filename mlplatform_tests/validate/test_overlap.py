"""Test rows and entities that also train."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlplatform.errors import SourceError
from mlplatform.spec import PipelineSpec
from mlplatform.validate.overlap import Sides, overlap, parted

COLUMNS = {"patient": "string", "x": "int64", "y": "string"}


def spec(**split: object) -> PipelineSpec:
    """A spec of patients."""
    said = {
        "name": "patients",
        "source": {"kind": "csv", "files": ["a.csv"]},
        "columns": COLUMNS,
        "label": {"column": "y", "positive": "1"},
        "split": split,
    }
    return PipelineSpec.model_validate(said)


def rows(
    *values: tuple[str | None, int, str | None], parts: str
) -> tuple[pa.RecordBatch, pa.Array]:
    """Rows of patient, x and y, each in the part of that initial."""
    names = {"t": "train", "v": "validation", "e": "test"}
    patient, x, y = zip(*values, strict=True)
    batch = pa.record_batch(
        {
            "row_id": pa.array(range(len(values)), pa.int64()),
            "patient": pa.array(patient, pa.string()),
            "x": pa.array(x, pa.int64()),
            "y": pa.array(y, pa.string()),
            "source_file": pa.array(["a.csv"] * len(values)),
            "source_line": pa.array(range(1, len(values) + 1), pa.int64()),
        }
    )
    return batch, pa.array([names[part] for part in parts])


def test_test_rows_that_train_or_validate_are_counted_and_shown():
    data = rows(
        ("a", 1, "0"), ("b", 2, "1"), ("c", 3, "1"), ("a", 1, "0"), ("a", 1, "0"), ("d", 4, "0"),
        ("b", 2, "1"), parts="tvteeee",
    )  # fmt: skip
    seen = overlap(lambda: [data], spec())
    assert (seen.test_rows, seen.shared_rows) == (4, 3)
    assert [example["source_line"] for example in seen.examples] == [4, 5, 7]
    assert seen.classes["train"] == {"positive": 1, "other": 1}
    assert seen.shares["test"] == pytest.approx(4 / 7)
    assert seen.balance == {"train": 0.5, "validation": 1.0, "test": 0.25}


def test_rows_that_differ_in_one_value_or_are_of_the_test_alone_are_not_shared():
    data = rows(
        ("a", 1, "0"), ("a", 2, "0"), ("a", 1, None), ("z", 9, "1"), ("z", 9, "1"), parts="teeee"
    )
    seen = overlap(lambda: [data], spec())
    assert (seen.shared_rows, seen.examples) == (0, ())


def test_entities_are_counted_where_the_split_is_by_group():
    data = rows(
        ("a", 1, "0"), ("b", 2, "1"), ("a", 3, "0"), ("c", 4, "1"), (None, 5, "0"), (None, 6, "1"),
        parts="tveete",
    )  # fmt: skip
    seen = overlap(lambda: [data], spec(by="group", group="patient"))
    assert (seen.entity, seen.test_entities, seen.shared_entities) == ("patient", 2, 1)
    assert overlap(lambda: [data], spec()).entity == ""


def test_nothing_at_all_has_no_test_rows():
    seen = overlap(list, spec())
    assert (seen.test_rows, seen.shared_rows, seen.balance) == (0, 0, {})


@given(
    st.lists(st.integers(1, 7), min_size=1, max_size=12), st.lists(st.integers(1, 7), min_size=1)
)
def test_rows_meet_their_parts_however_both_are_cut(cuts, other_cuts):
    total = sum(cuts)
    parts = ["train" if n % 3 else "test" for n in range(total)]
    dataset = pa.table({"row_id": pa.array(range(total), pa.int64())})
    split = dataset.append_column("part", pa.array(parts))
    pairs = list(parted(_cut(dataset, cuts), _cut(split, other_cuts)))
    assert [part for _, mine in pairs for part in mine.to_pylist()] == parts
    assert sum(batch.num_rows for batch, _ in pairs) == total


def _cut(table: pa.Table, sizes: list[int]) -> list[pa.RecordBatch]:
    found, at = [], 0
    while at < table.num_rows:
        size = sizes[len(found) % len(sizes)]
        found += table.slice(at, size).combine_chunks().to_batches()
        at += size
    return found


@pytest.mark.parametrize("ids", [[0, 1], [0, 1, 2, 3], [0, 2, 1], []])
def test_a_split_of_other_rows_is_refused(ids):
    dataset = pa.record_batch({"row_id": pa.array([0, 1, 2], pa.int64())})
    split = pa.record_batch(
        {"row_id": pa.array(ids, pa.int64()), "part": pa.array(["test"] * len(ids), pa.string())}
    )
    with pytest.raises(SourceError, match="the split is not about the rows of this dataset"):
        list(parted([dataset], [split]))


def test_beyond_the_cap_a_sample_of_the_hashes_gives_about_the_same_counts():
    dice = np.random.default_rng(0)
    hashes = dice.integers(0, 2**64, 40_000, np.uint64)
    hashes[30_000:] = hashes[:10_000]
    tests = np.arange(40_000) >= 20_000
    for cap, exact in ((100_000, True), (4_000, False)):
        sides = Sides(cap)
        for part in np.array_split(np.arange(40_000), 9):
            sides.add(hashes[part], tests[part])
        count = sides.test_rows_of(sides.shared())
        assert count == 10_000 if exact else count == pytest.approx(10_000, rel=0.1)
        assert sides.scaled(len(sides.distinct_test())) == pytest.approx(20_000, rel=0.1)
        assert sum(len(p) for kept in sides._sides.values() for p in kept) <= cap
