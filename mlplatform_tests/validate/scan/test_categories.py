import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlplatform.validate.scan import Plan, scan
from mlplatform.validate.scan.categories import CAP, Categories
from mlplatform.validate.scan.distinct import KEPT

PLAN = Plan(columns={"c": "string"}, correlations=False, duplicates=False)


def seen(values, batch_rows=None):
    table = pa.table({"c": pa.array(values, pa.string())})
    return scan(table.to_batches(max_chunksize=batch_rows), PLAN).view().columns["c"]


def test_ten_thousand_values_are_counted_one_by_one():
    values = [f"v{n % CAP}" for n in range(3 * CAP)]
    column = seen(values, 7_000)
    assert set(column.counts.values()) == {3}
    assert (column.distinct, column.distinct_exact) == (CAP, True)
    assert (column.lost, column.other) == (0, 0)


def test_beyond_that_frequent_values_are_kept_and_every_row_is_somewhere():
    rng = np.random.default_rng(0)
    rare = rng.integers(0, 60_000, 90_000)
    values = rng.permutation([*map(str, rare), *["common"] * 5_000, *["usual"] * 2_000])
    column = seen(values, 10_000)
    assert len(column.counts) == CAP
    assert column.counts["common"] == 5_000
    assert list(column.counts)[:2] == ["common", "usual"]
    assert sum(column.counts.values()) + column.other == len(values)
    assert all(
        count <= true <= count + column.lost
        for count, true in zip(list(column.counts.values())[:2], [5_000, 2_000], strict=True)
    )
    assert column.distinct == pytest.approx(len(set(values)), rel=0.1)
    assert not column.distinct_exact


def test_the_sample_is_of_distinct_values_whatever_their_order_and_number():
    values = [f"v{n}" for n in range(5_000)]
    once, often = seen(values, 900), seen(values[::-1] * 3, 1_100)
    assert once.sample == often.sample
    assert len(set(once.sample)) == KEPT


def counted(pairs):
    values = pa.array([value for value, _ in pairs], pa.string())
    counts = np.zeros((3, len(pairs)), np.int64)
    counts[0] = [count for _, count in pairs]
    return Categories(values, counts)


def as_dict(state):
    return dict(zip(state.values.to_pylist(), state.counts.sum(0).tolist(), strict=True))


groups = st.dictionaries(st.sampled_from("abcdefg"), st.integers(1, 9)).map(
    lambda d: counted(list(d.items()))
)


@given(groups, groups, groups)
def test_merging_is_associative_and_adds_up(a, b, c):
    left, right = as_dict(a.merge(b).merge(c)), as_dict(a.merge(b.merge(c)))
    assert left == right
    assert sum(left.values()) == sum(sum(as_dict(part).values()) for part in (a, b, c))


def test_trimming_moves_the_rarest_to_other_and_says_how_many_any_value_may_have_lost():
    state = counted([("a", 5), ("b", 1), ("c", 3), ("d", 1)])
    state.trim(2)
    assert as_dict(state) == {"a": 5, "c": 3}
    assert (state.other.sum(), state.lost) == (2, 1)
