"""The floor: what the matrix products of one training cost alone, at the rate this machine reaches on them."""

import itertools
import time
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

PRODUCTS = 64  # In one program, each on rows of its own, as in training.
TURNS = 5
PASSES = 3  # A weight is used forwards, for its own gradient, and for the gradient of what it read.


def flops(widths: list[int], rows: int) -> int:
    """Return the operations of one epoch: 2 a weight, row and pass."""
    weights = sum(a * b for a, b in itertools.pairwise(widths))
    return 2 * PASSES * weights * rows


def floor(widths: list[int], rows: int, epochs: int, batch: int) -> dict[str, Any]:
    """Return the work of a training in GFLOP, and for each library the rate and seconds of its products alone.

    The rate is that of the first layer's product, [batch, widths[0]] x [widths[0], widths[1]].
    """
    work = flops(widths, rows) * epochs
    said: dict[str, Any] = {"gflop": round(work / 1e9, 2)}
    for name, rate in rates(batch, widths[0], widths[1]).items():
        said[name] = {
            "gflop_per_second": round(rate / 1e9, 1),
            "seconds": round(work / rate, 4),
        }
    return said


def rates(batch: int, read: int, units: int) -> dict[str, float]:
    """Return the operations a second of [batch, read] x [read, units] by XLA and by NumPy's BLAS."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(PRODUCTS, batch, read)).astype(np.float32)
    w = rng.normal(size=(read, units)).astype(np.float32)
    on_device = jax.device_put((x, w))

    @jax.jit
    def by_xla(x: jax.Array, w: jax.Array) -> jax.Array:
        def add(total: jax.Array, each: jax.Array) -> tuple[jax.Array, None]:
            return total + each @ w, None

        return jax.lax.scan(add, jnp.zeros((batch, units)), x)[0]

    def by_numpy() -> None:
        for each in x:
            np.matmul(each, w)

    work = 2 * PRODUCTS * batch * read * units
    return {
        "xla": work / _least(lambda: jax.block_until_ready(by_xla(*on_device))),
        "numpy": work / _least(by_numpy),
    }


def _least(task: Callable[[], Any]) -> float:
    """Return the least seconds of some turns, after one that does not count."""
    task()
    seconds = []
    for _ in range(TURNS):
        started = time.perf_counter()
        task()
        seconds.append(time.perf_counter() - started)
    return min(seconds)
