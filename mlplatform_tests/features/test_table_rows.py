import threading
import time

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlplatform.errors import SourceError
from mlplatform.features.table_rows import aligned, first_rows, in_order, parted, skipped


def cut(rows: int, at: list[int], column: str = "value") -> list[pa.RecordBatch]:
    """Rows 0 to `rows` in batches that end at `at`."""
    batch = pa.record_batch({"row_id": list(range(rows)), column: [str(n) for n in range(rows)]})
    ends = sorted({min(end, rows) for end in at} | {rows})
    starts = [0, *ends[:-1]]
    return [batch.slice(a, b - a) for a, b in zip(starts, ends, strict=True)]


cuts = st.lists(st.integers(0, 40), max_size=6)


@given(st.integers(0, 40), cuts, cuts)
def test_two_streams_of_the_same_rows_meet_however_they_are_cut(rows, one, other):
    pairs = list(aligned(cut(rows, one), cut(rows, other, "other"), "wrong"))
    assert all(a.num_rows == b.num_rows > 0 for a, b in pairs)
    assert [n for a, _ in pairs for n in a["value"].to_pylist()] == [str(n) for n in range(rows)]
    assert [n for _, b in pairs for n in b["other"].to_pylist()] == [str(n) for n in range(rows)]


@given(st.integers(1, 40), cuts, cuts)
def test_a_stream_with_a_row_more_or_in_another_order_is_refused(rows, one, other):
    for longer in ((cut(rows, one), cut(rows + 1, other)), (cut(rows + 1, one), cut(rows, other))):
        with pytest.raises(SourceError, match="wrong"):
            list(aligned(*longer, "wrong"))
    backwards = pa.Table.from_batches(cut(rows + 1, one)).sort_by([("row_id", "descending")])
    with pytest.raises(SourceError, match="wrong"):
        list(aligned(backwards.to_batches(), cut(rows + 1, other), "wrong"))


def test_rows_get_the_part_the_split_gives_them():
    parts = pa.record_batch({"row_id": [0, 1, 2], "part": ["train", "test", "train"]})
    found = [(b["row_id"].to_pylist(), p.to_pylist()) for b, p in parted(cut(3, [2]), [parts])]
    assert found == [([0, 1], ["train", "test"]), ([2], ["train"])]


@given(st.integers(0, 40), cuts, st.integers(0, 45))
def test_first_rows_and_the_ones_skipped_are_all_rows(rows, at, count):
    first, rest = (
        [n for batch in some(cut(rows, at), count) for n in batch["row_id"].to_pylist()]
        for some in (first_rows, skipped)
    )
    assert first == list(range(min(rows, count)))
    assert first + rest == list(range(rows))


def test_items_are_mapped_by_several_threads_and_come_in_order():
    both = threading.Barrier(2, timeout=10)  # Neither of two goes on before the other has come.

    def mapped(n: int) -> int:
        both.wait()
        time.sleep(0.01 * (n % 2 == 0))
        return n

    assert list(in_order(mapped, range(8), threads=2)) == list(range(8))


def test_only_a_few_items_are_read_ahead_of_the_one_that_is_used():
    read = []

    def items():
        for n in range(100):
            read.append(n)
            yield n

    found = in_order(lambda n: n, items(), threads=2)
    assert next(found) == 0
    assert len(read) <= 6
    found.close()
    assert len(read) <= 6


def test_an_error_in_one_item_comes_in_its_place():
    def mapped(n: int) -> int:
        if n == 3:
            raise SourceError("three")
        return n

    found = in_order(mapped, range(10), threads=2)
    assert [next(found) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(SourceError, match="three"):
        next(found)
