"""What one feature alone says about the label."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlplatform.evaluate.feature_leakage import by_value, information, quantiles
from mlplatform.validate.leakage import auc

RNG = np.random.default_rng(0)


def f32(values):
    return np.asarray(values, np.float32)


@given(
    st.lists(
        st.tuples(st.floats(width=32, allow_nan=False, allow_infinity=False), st.booleans()),
        min_size=1,
    )
)
def test_rows_are_counted_by_distinct_value_in_ascending_order(rows):
    values, label = f32([value for value, _ in rows]), np.array([one for _, one in rows])
    negative, positive = by_value(values, label)
    distinct = np.unique(values)  # Zeros of both signs are one value.
    assert positive.tolist() == [int((label & (values == v)).sum()) for v in distinct]
    assert negative.tolist() == [int((~label & (values == v)).sum()) for v in distinct]


@given(st.lists(st.integers(1, 50), min_size=1, max_size=200), st.integers(2, 64))
def test_quantiles_keep_every_row_and_equal_values_together(rows, bins):
    counts = np.array(rows)
    negative, positive = quantiles(counts, 0 * counts, bins)
    assert negative.sum() == counts.sum()
    assert positive.sum() == 0
    assert len(negative) == bins
    edges = {0, *np.cumsum(counts).tolist()}
    assert set(np.cumsum(negative).tolist()) <= edges


def test_bins_of_distinct_values_are_equally_full():
    counts = np.ones(1000, np.int64)
    assert quantiles(counts, 0 * counts, 10)[0].tolist() == [100] * 10


def test_a_value_that_decides_the_label_tells_all_of_its_entropy():
    told = information(np.array([500, 0]), np.array([0, 500]))
    assert told == pytest.approx(1.0, abs=0.002)


def test_without_dependence_information_is_about_none_however_many_the_bins():
    label = RNG.random(20_000) < 0.2
    found = [
        information(*quantiles(*by_value(f32(RNG.normal(size=20_000)), label), 64))
        for _ in range(20)
    ]
    assert max(found) < 0.003  # 64 bins alone would tell 0.0031 on average.
    assert np.mean(found) < 0.0008


def test_one_class_has_no_entropy_to_tell_of():
    assert information(np.array([5, 5]), np.array([0, 0])) == 0.0


def test_a_noisy_copy_of_the_label_has_the_auc_of_its_pairs():
    label = RNG.random(5_000) < 0.3
    values = f32(label + RNG.normal(size=5_000))
    pairs = values[label][:, None] - values[~label][None, :]
    wanted = (pairs > 0).mean() + (pairs == 0).mean() / 2
    assert auc(*by_value(values, label)) == pytest.approx(wanted)
