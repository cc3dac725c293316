"""The order in which a stream gives its rows."""

import hypothesis.strategies as st
import numpy as np
from hypothesis import given

from mlplatform.train.shuffle import BUFFER_BYTES, BUFFER_ROWS, Order, buffer_rows

counts = st.lists(st.integers(0, 50), min_size=1, max_size=40).map(tuple)
words = st.integers(0, 2**32 - 1)


@given(counts, st.integers(1, 120), words, words, st.integers(0, 5))
def test_an_epoch_gives_every_group_once_in_buffers_of_a_bounded_size(
    counts, size, order, draw, epoch
):
    buffers = Order(counts, size, order, draw).buffers(epoch)
    assert sorted(at for groups in buffers for at in groups) == [
        at for at, count in enumerate(counts) if count
    ]
    for groups in buffers:
        assert len(groups) == 1 or sum(counts[at] for at in groups) <= size


@given(words, words, st.integers(0, 1000))
def test_seed_and_epoch_alone_decide_the_order(order, draw, epoch):
    one, other = (Order((5,) * 30, 20, order, draw) for _ in range(2))
    other.buffers(epoch + 1)
    assert one.buffers(epoch) == other.buffers(epoch)
    np.testing.assert_array_equal(one.rows(epoch, 2, 20), other.rows(epoch, 2, 20))


def test_each_epoch_deals_groups_and_rows_out_anew():
    order = Order((5,) * 30, 20, 1, 2)
    assert order.buffers(0) != order.buffers(1)
    assert (order.rows(0, 0, 20) != order.rows(1, 0, 20)).any()
    assert (order.rows(0, 0, 20) != order.rows(0, 1, 20)).any()
    assert order.buffers(0) != Order((5,) * 30, 20, 2, 2).buffers(0)
    assert (order.rows(0, 0, 20) != Order((5,) * 30, 20, 1, 3).rows(0, 0, 20)).any()


def test_neighbours_of_the_table_are_parted():
    """Of a table in order of time, a buffer has rows of many times."""
    buffers = Order((1000,) * 100, 10_000, 3, 4).buffers(0)
    assert all(np.ptp(groups) > 30 for groups in buffers)


def test_wide_rows_have_a_smaller_buffer():
    assert buffer_rows(100) == BUFFER_ROWS
    assert buffer_rows(4000) * 4000 <= BUFFER_BYTES
    assert buffer_rows(2 * BUFFER_BYTES) == 1
