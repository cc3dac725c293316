"""Test rows and entities that also train."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlplatform.errors import SourceError
from mlplatform.gates.data import overlap as gate
from mlplatform.ingest.hashing import row_hashes, uniform
from mlplatform.measures import OverlapSeen
from mlplatform.spec import PipelineSpec
from mlplatform.spec.data_gates import OverlapGate
from mlplatform.validate.overlap import Sides, overlap, parted
from mlplatform.verdict import Verdict

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
        assert sides.held <= cap


def test_rows_of_few_kinds_are_counted_exactly_beyond_the_cap():
    hashes = np.random.default_rng(0).integers(0, 2**64, 20, np.uint64)
    sides, tests = Sides(cap=100), np.arange(2_000) % 4 == 0
    for _ in range(5):
        sides.add(np.resize(hashes, 2_000), tests)
        assert sides.held <= 100
    assert sides.test_rows_of(sides.shared()) == 0  # Every fourth hash is of the test alone.
    assert (sides.test_rows_of(sides.distinct_test()), len(sides.distinct_test())) == (2_500, 5)


def visits(table: dict[str, list[object]], test: np.ndarray) -> tuple[pa.RecordBatch, pa.Array]:
    """Rows of patient, x and y, of which these are of the test."""
    count = len(test)
    origin = {"source_file": ["a.csv"] * count, "source_line": list(range(count))}
    return pa.record_batch({**table, **origin}), pa.array(np.where(test, "test", "train"))


def test_the_sample_is_not_the_one_the_split_deals_by():
    """Half of the rows test, by the hash that is counted; a test file has copies of all others."""
    count = 4_000
    table = {
        "patient": [f"p{n}" for n in range(count)],
        "x": list(range(count)),
        "y": ["0"] * count,
    }
    held = uniform(row_hashes(pa.table(table), list(COLUMNS))) < 0.5
    first = visits(table, held)
    again = {name: np.array(values)[~held].tolist() for name, values in table.items()}
    copies = visits(again, np.ones(int((~held).sum()), bool))
    truth = overlap(lambda: [first, copies], spec())
    few = overlap(lambda: [first, copies], spec(), cap=1_000)
    assert truth.shared_rows == int((~held).sum())
    assert few.shared_rows == pytest.approx(truth.shared_rows, rel=0.15)


def test_a_few_entities_of_many_rows_are_not_sampled():
    dice = np.random.default_rng(0)
    patient = dice.integers(0, 40, 5_000)
    table = {"patient": [f"p{n}" for n in patient], "x": list(range(5_000)), "y": ["0"] * 5_000}
    data = visits(table, patient < 20)
    seen = overlap(lambda: [data], spec(by="group", group="patient"), cap=500)
    assert (seen.test_entities, seen.shared_entities) == (20, 0)


def judged(kinds: int, *, copied: int) -> tuple[OverlapSeen, Verdict]:
    """2,000 keyed rows of so many kinds, of which 400 test; of these some are copies that train."""
    dice = np.random.default_rng(kinds)
    x = dice.integers(0, kinds, 2_000)
    x[:copied] = x[1_000 : 1_000 + copied]
    patient = [f"p{n}" for n in range(2_000)]
    data = visits({"patient": patient, "x": x.tolist(), "y": ["0"] * 2_000}, np.arange(2_000) < 400)
    of = spec().model_copy(update={"key": ["patient"]})
    seen = overlap(lambda: [data], of)
    return seen, gate(seen, OverlapGate())


@pytest.mark.parametrize("kinds", [2, 500, 5_000, 10**9])
def test_rows_that_are_equal_by_nature_but_for_their_key_are_no_overlap(kinds):
    assert judged(kinds, copied=0)[1].passed


@pytest.mark.parametrize("kinds", [5_000, 10**9])
def test_test_rows_that_train_under_another_key_are_an_overlap_and_shown(kinds):
    seen, verdict = judged(kinds, copied=200)
    assert not verdict.passed
    assert "that trains or validates but for key and unused columns" in verdict.because
    assert seen.shared_rows == 0
    assert len(seen.examples) == 5


def of_label(**label: object) -> PipelineSpec:
    """The spec of patients with another label."""
    return PipelineSpec.model_validate(
        {**spec().model_dump(exclude={"model_gates"}), "label": label}
    )


def test_several_classes_are_counted_in_each_part():
    data = rows(
        ("a", 1, "0"), ("b", 2, "1"), ("c", 3, "2"), ("d", 4, "9"), ("e", 5, None), parts="ttvee"
    )
    seen = overlap(
        lambda: [data, data], of_label(column="y", task="multiclass", classes=["0", "1", "2"])
    )
    assert seen.expected_classes == ("0", "1", "2")
    assert seen.classes["train"] == {"0": 2, "1": 2, "2": 0}
    assert seen.classes["test"] == {"0": 0, "1": 0, "2": 0, "other": 2}
    assert seen.balance == {}
    assert seen.test_rows == 2


def test_numbers_are_counted_by_whether_they_vary_in_each_part():
    first = rows(("a", 5, "0"), ("b", 7, "1"), ("c", 3, "0"), ("d", 4, "0"), parts="ttve")
    second = rows(("e", 2, "0"), ("f", 2, "0"), ("g", 3, "0"), ("h", 4, "0"), parts="ttve")
    seen = overlap(lambda: [first, second], of_label(column="x", task="regression"))
    assert seen.expected_classes == ("least", "more")
    assert seen.classes["train"] == {"least": 2, "more": 2}
    assert seen.classes["test"] == {"least": 2, "more": 0}
    assert seen.balance == {"train": 4.0, "validation": 3.0, "test": 4.0}
