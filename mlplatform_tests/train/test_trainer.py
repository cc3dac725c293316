import hypothesis.strategies as st
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from sklearn.metrics import roc_auc_score

from mlplatform.train.mlp import Mlp, drop, random_bytes
from mlplatform.train.trainer import auc, permutation, schedule, stream


@settings(max_examples=20)
@given(st.integers(0, 2**32 - 1), st.sampled_from([0, 1, 2]), st.sampled_from([7, 1000]))
def test_the_auc_is_scikit_learns_with_ties_and_without(seed, decimals, rows):
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.arange(rows) % 3 == 0).astype(np.float32)
    scores = np.round(rng.normal(size=rows) + labels, decimals).astype(np.float32)
    assert float(auc(scores, labels)) == pytest.approx(roc_auc_score(labels, scores), abs=1e-5)


def test_the_learning_rate_rises_for_half_an_epoch_and_falls_to_zero():
    rate = np.array([schedule(jnp.int32(step), 10, 5) for step in range(50)])
    assert rate.argmax() == 4
    assert rate[0] == pytest.approx(0.2, abs=0.01)
    assert rate[-1] < 0.01
    assert (np.diff(rate[4:]) < 0).all()


def test_dropout_drops_its_share_and_keeps_the_mean():
    units = np.ones((400, 399), np.float32)
    noise = random_bytes(jax.random.key(0), 400, 399)
    kept = np.asarray(drop(units, noise, jnp.float32(0.3)))
    assert noise.shape == units.shape
    assert (kept == 0).mean() == pytest.approx(0.3, abs=0.01)
    assert kept.mean() == pytest.approx(1, abs=0.01)
    np.testing.assert_array_equal(drop(units, noise, jnp.float32(0)), units)


def test_each_step_drops_other_units():
    net = Mlp(vectors=1, ids=(), hidden=(64, 64))
    params = {k: np.ones_like(v) for k, v in net.init(0).items()}
    rows = np.ones((1, 1), np.float32), np.zeros((1, 0), np.int32)
    share = jnp.float32(0.5)
    seen = {
        float(net.logits(params, *rows, dropout=(stream(np.uint32(0), jnp.int32(step)), share))[0])
        for step in range(8)
    }
    assert len(seen) > 4


@given(st.integers(0, 2**32 - 1), st.integers(1, 500))
@settings(max_examples=20)
def test_an_epoch_visits_every_row_once_in_an_order_of_its_own(seed, rows):
    first, second = (
        np.asarray(permutation(stream(np.uint32(seed), jnp.int32(epoch)), rows)) for epoch in (0, 1)
    )
    assert sorted(first) == list(range(rows))
    assert rows < 20 or (first != second).any()


def test_reserved_ids_start_with_no_effect():
    """No training row may ever have them, and what was not learnt must not be served."""
    net = Mlp(vectors=2, ids=(4, 3), hidden=(5,))
    params = net.init(seed=0)
    vectors = np.ones((2, 2), np.float32)
    assert not params["embedding"][[0, 1, 4, 5]].any()
    assert params["embedding"][[2, 3, 6]].all()
    absent = net.logits(params, vectors, np.array([[0, 1], [1, 0]]))
    assert absent[0] == absent[1]


def test_each_feature_looks_up_its_own_rows_of_the_table():
    net = Mlp(vectors=0, ids=(3, 3), hidden=())
    params = net.init(seed=1)
    params["output.weight"] = np.ones_like(params["output.weight"])
    logits = net.logits(params, np.zeros((1, 0), np.float32), np.array([[2, 2]]))
    expected = params["embedding"][2].sum() + params["embedding"][5].sum()
    assert float(logits[0]) == pytest.approx(float(expected), rel=1e-5)
