"""Features computed together, and put in their own order: slices of blocks, stacked."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np


class Slice(NamedTuple):
    """Some features of a block `[features, rows]`: from `start` to before `stop`."""

    block: jax.Array
    start: int
    stop: int


def whole(block: jax.Array) -> Slice:
    """Return all features of a block."""
    return Slice(block, 0, block.shape[0])


def stacked(slices: Iterable[Slice], rows: int, kind: type) -> jax.Array:
    """Return the features of all slices in order, `[features, rows]`; neighbours are one slice."""
    merged: list[Slice] = []
    for one in slices:
        last = merged[-1] if merged else None
        if last is not None and last.block is one.block and last.stop == one.start:
            merged[-1] = Slice(one.block, last.start, one.stop)
        elif one.start < one.stop:
            merged.append(one)
    parts = [one.block[one.start : one.stop] for one in merged]
    if not parts:
        return jnp.zeros((0, rows), kind)
    return parts[0] if len(parts) == 1 else jnp.concatenate(parts)


def picked(block: jax.Array, places: Sequence[int]) -> jax.Array:
    """Return the features at `places`; nothing is copied where they are all of the block."""
    if list(places) == list(range(block.shape[0])):
        return block
    at = np.array(places, np.int32)
    return block.at[at].get(mode="promise_in_bounds")


def column(values: Iterable[float]) -> np.ndarray:
    """Return f32[features, 1] of one number a feature, as near as 32 bits come to it and finite."""
    limit = np.finfo(np.float32).max
    within = np.clip(np.array(list(values), np.float64), -limit, limit)
    return within.astype(np.float32)[:, None]
