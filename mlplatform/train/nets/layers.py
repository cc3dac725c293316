"""What layers have in common: products, first weights, and dropout."""

import jax
import jax.numpy as jnp
import numpy as np

from mlplatform.train.nets.net import Noise
from mlplatform.train.task import Array, Number

STEPS = (
    256  # Dropout compares one random byte a unit: a quarter of the generator's work of 32 bits.
)


def dense(x: Array, weight: Array, bias: Array | float = 0.0) -> jax.Array:
    """Return x @ weight + bias, in the weights' type."""
    return jnp.asarray(x).astype(weight.dtype) @ weight + bias


def he(rng: np.random.Generator, width: int, units: int) -> np.ndarray:
    """Return f32[width, units] by He et al. (2015): right for what rectified units read."""
    drawn: np.ndarray = rng.normal(size=(width, units)) * np.sqrt(2 / max(width, 1))
    return drawn.astype(np.float32)


def random_bytes(key: jax.Array, shape: tuple[int, ...]) -> jax.Array:
    """Return u8[shape], uniform. JAX itself would draw 64 bits for each of them."""
    rows, width = shape[0], int(np.prod(shape[1:]))
    words = jax.random.bits(key, (rows, -(-width // 4)), jnp.uint32)
    flat = jax.lax.bitcast_convert_type(words, jnp.uint8).reshape(rows, -1)[:, :width]
    return flat.reshape(shape)


class Dropout:
    """Draws all noise of a pass at once, and hands each layer its own part of it."""

    def __init__(self, noise: Noise | None, rows: int, width: int) -> None:
        self._noise, self._used = noise, 0
        self._bytes = None if noise is None else random_bytes(noise.key, (rows, width))

    def __call__(self, units: jax.Array) -> jax.Array:
        """Return `units` ([rows, …]) with about the share of them zeroed, and the rest scaled up."""
        if self._bytes is None or self._noise is None:
            return units
        width = int(np.prod(units.shape[1:]))
        mine = self._bytes[:, self._used : self._used + width].reshape(units.shape)
        self._used += width
        return drop(units, mine, self._noise.share)


def drop(units: jax.Array, noise: jax.Array, share: Number) -> jax.Array:
    """Return `units` with about `share` of them zeroed and the rest scaled up (Srivastava et al. 2014).

    Args:
        units: f32 or bf16[rows, …].
        noise: u8 of the same shape, uniform.
        share: Rounded to a 256th. It may be traced, so one program serves every share.
    """
    threshold = jnp.round(share * STEPS)
    kept = noise.astype(jnp.float32) >= threshold
    scale = (1 / (1 - threshold / STEPS)).astype(units.dtype)
    return jnp.where(kept, units * scale, jnp.zeros((), units.dtype))
