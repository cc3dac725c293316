import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from mlplatform.validate.scan.moments import Moments

blocks = st.integers(0, 12).flatmap(
    lambda n: st.tuples(
        arrays(np.float64, (2, n), elements=st.floats(-1e3, 1e3)), arrays(bool, (2, n))
    )
)


def of(block):
    x, present = block
    return Moments.of(np.where(present, x, 0.0), list(present))


def same(a, b):
    for one, other in zip(vars(a).values(), vars(b).values(), strict=True):
        assert one == pytest.approx(other, rel=1e-9, abs=1e-6)


@given(blocks, blocks, blocks)
def test_merging_is_associative_and_equals_the_whole(a, b, c):
    left, right = of(a).merge(of(b)).merge(of(c)), of(a).merge(of(b).merge(of(c)))
    whole = of(tuple(np.concatenate(parts, axis=-1) for parts in zip(a, b, c, strict=True)))
    same(left, right)
    same(left, whole)
    same(Moments.none((2, 2)).merge(left), left)


def test_pairs_count_the_rows_where_both_are_present():
    x = np.array([[1.0, 2.0, 0.0, 4.0], [2.0, 0.0, 6.0, 9.0]])
    found = Moments.of(x, [x[0] != 0, x[1] != 0])
    assert found.rows.tolist() == [[3, 2], [2, 3]]
    assert (found.mean[0, 1], found.mean[1, 0]) == (2.5, 5.5)
    assert found.cross[0, 1] == pytest.approx((1 - 2.5) * (2 - 5.5) + (4 - 2.5) * (9 - 5.5))


def test_columns_alone_have_the_moments_that_they_have_in_pairs():
    x = np.random.default_rng(0).normal(5, 2, (3, 400))
    x[1, :40] = 0
    masks = [None, x[1] != 0, None]
    pairs, alone = Moments.of(x.copy(), masks), Moments.of(x.copy(), masks, pairs=False)
    for one, other in zip(vars(pairs).values(), vars(alone).values(), strict=True):
        assert np.diagonal(one) == pytest.approx(other[:, 0, 0])
