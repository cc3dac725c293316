"""What this device reaches at best: a product in bfloat16, and a copy within its memory."""

import time
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

SIDE = 8192  # Of the square matrices that are multiplied.
COPIED = 1 << 30  # Bytes.
TURNS = 10


def peaks(side: int = SIDE, copied: int = COPIED) -> dict[str, float]:
    """Return operations a second of a product, and bytes a second read and written by a copy."""
    a = jnp.ones((side, side), jnp.bfloat16)
    product = jax.jit(lambda a, b: a @ b)
    x = jnp.ones(copied // 4, jnp.float32)
    copy = jax.jit(lambda x: x + 1)  # Reads every byte and writes it: a bare copy may be elided.
    return {
        "flops": 2 * side**3 / least(lambda: product(a, a)),
        "bytes": 2 * copied / least(lambda: copy(x)),
    }


def least(task: Callable[[], Any]) -> float:
    """Return the least seconds of some turns, after one that compiles and one that warms up."""
    for _ in range(2):
        jax.block_until_ready(task())
    seconds = []
    for _ in range(TURNS):
        started = time.perf_counter()
        jax.block_until_ready(task())
        seconds.append(time.perf_counter() - started)
    return min(seconds)
