"""Chance on the device: a key for each step, an order for each epoch."""

import jax
import jax.numpy as jnp

from mlplatform.train.task import Number


def stream(seed: Number, number: Number) -> jax.Array:
    """Return the random key of one step or epoch: Threefry's own two words, the seed and a counter.

    Named, because another default generator would train another model.
    """
    words = jnp.stack([jnp.uint32(seed), jnp.asarray(number).astype(jnp.uint32)])
    key: jax.Array = jax.random.wrap_key_data(words, impl="threefry2x32")
    return key


def permutation(key: jax.Array, rows: int) -> jax.Array:
    """Return the row numbers in random order.

    One sort of random words. Equal words keep their order, which for a million rows touches a
    hundred; JAX's own permutation sorts again to mend that, and takes twice as long.
    """
    return jnp.argsort(jax.random.bits(key, (rows,), jnp.uint32))
