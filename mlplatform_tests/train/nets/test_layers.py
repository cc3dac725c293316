import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mlplatform.train.nets.layers import Dropout, dense, drop, random_bytes
from mlplatform.train.nets.net import Noise


def test_dropout_drops_its_share_and_keeps_the_mean():
    units = np.ones((400, 399), np.float32)
    noise = random_bytes(jax.random.key(0), (400, 399))
    kept = np.asarray(drop(units, noise, jnp.float32(0.3)))
    assert noise.shape == units.shape
    assert (kept == 0).mean() == pytest.approx(0.3, abs=0.01)
    assert kept.mean() == pytest.approx(1, abs=0.01)
    np.testing.assert_array_equal(drop(units, noise, jnp.float32(0)), units)


def test_each_layer_of_a_pass_has_noise_of_its_own():
    dropout = Dropout(Noise(jax.random.key(1), jnp.float32(0.5)), 50, 60)
    first, second = (np.asarray(dropout(jnp.ones((50, 30)))) for _ in range(2))
    assert (first != second).any()


def test_nothing_is_dropped_without_noise():
    units = jnp.ones((3, 4, 5))
    assert Dropout(None, 3, 20)(units) is units


def test_products_are_computed_in_the_type_of_the_weights():
    product = dense(np.ones((2, 3), np.float32), jnp.ones((3, 4), jnp.bfloat16))
    assert product.dtype == jnp.bfloat16
