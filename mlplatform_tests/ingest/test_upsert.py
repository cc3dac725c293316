"""Upserts: the last landed row of a key is the dataset's, and no other."""

import tracemalloc

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlplatform.ingest import upsert
from mlplatform.ingest.dataset import rows
from mlplatform.ingest.upsert import kept, newest
from mlplatform.spec import Pipeline
from mlplatform_tests.ingest.conftest import land_rows, make_spec, typed_rows

TYPES = {"text": pa.string(), "number": pa.float64(), "yes": pa.bool_()}
keys = st.tuples(
    st.none() | st.sampled_from(["a", "b", ""]),
    st.none() | st.sampled_from([0.0, -0.0, 1.5]),
    st.booleans(),
)
landings = st.lists(st.lists(keys, max_size=6), max_size=5)


def batch(listed):
    columns = zip(*listed, strict=True) if listed else [()] * len(TYPES)
    arrays = [pa.array(c, t) for c, t in zip(columns, TYPES.values(), strict=True)]
    return pa.RecordBatch.from_arrays(arrays, names=list(TYPES))


def by_hand(listed):
    """Positions of the rows to keep: by a dict, where 0.0 is -0.0 and None is like no other."""
    last = {(row if None not in row else at): at for at, row in enumerate(listed)}
    return sorted(last.values())


@given(landings, st.integers(1, 8))
def test_the_last_row_of_each_key_is_kept_however_rows_are_batched_and_merged(listed, waiting):
    batches = [batch(rows) for rows in listed]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(upsert, "WAITING_ROWS", waiting)
        positions = newest(batches, list(TYPES))
    flat = [row for rows in listed for row in rows]
    assert positions.tolist() == by_hand(flat)
    remaining = [tuple(r.values()) for b in kept(batches, positions) for r in b.to_pylist()]
    assert remaining == [flat[at] for at in by_hand(flat)]


def test_memory_goes_by_distinct_keys_and_not_by_rows():
    """Of 40 x 65,536 rows with 1,000 keys, far less than their positions alone would take."""
    ids = np.arange(65_536) % 1000
    rows = pa.record_batch({"id": pa.array(ids)})
    held = []

    def batches():
        for _ in range(40):
            yield rows
            held.append(pa.total_allocated_bytes() + tracemalloc.get_traced_memory()[0])

    tracemalloc.start()
    try:
        assert len(newest(batches(), ["id"])) == 1000
    finally:
        tracemalloc.stop()
    position_bytes = 8
    assert max(held) - held[0] < 1.3 * position_bytes * upsert.WAITING_ROWS


def test_a_later_file_corrects_an_earlier_one_and_the_others_stay_in_written_order(
    lake, table, tmp_path
):
    spec = make_spec(load="upsert", key=["name"])
    first = typed_rows(
        spec, [("ann", 1, 1.0, "no"), ("bob", 2, 1.0, "no"), ("cy", 3, 1.0, "no")], "a.csv"
    )
    second = typed_rows(spec, [("bob", 9, 1.0, "yes"), (None, 4, 1.0, "no")], "b.csv")
    third = typed_rows(spec, [("ann", 8, 1.0, "yes"), (None, 4, 1.0, "no")], "c.csv")
    version = land_rows(table, first, second, third)
    made = rows(Pipeline(spec=spec, folder=tmp_path), lake, version).read_all()
    assert made["age"].to_pylist() == [3, 9, 4, 8, 4]
    assert made["source_file"].to_pylist() == ["a.csv", "b.csv", "b.csv", "c.csv", "c.csv"]
    assert len(set(made["row_id"].to_pylist())) == 5
    # The dataset of the version before is what it was.
    earlier = rows(Pipeline(spec=spec, folder=tmp_path), lake, table.version(1)).read_all()
    assert earlier["age"].to_pylist() == [1, 3, 9, 4]


def test_appended_rows_of_one_key_all_stay(lake, table, tmp_path):
    spec = make_spec(key=["name"])
    version = land_rows(table, *[typed_rows(spec, [("ann", 1, 1.0, "no")])] * 2)
    assert rows(Pipeline(spec=spec, folder=tmp_path), lake, version).read_all().num_rows == 2
