"""Categories combined: part of the exported program."""

from collections.abc import Sequence
from math import prod

import jax
import jax.numpy as jnp

from mlplatform.features.inputs import FIRST
from mlplatform.features.state import CrossState


def crossed(state: CrossState, ids: Sequence[jax.Array]) -> jax.Array:
    """Return i32[…]: an id of its own for every combination of `ids`, or by hash where there are more.

    Where all combinations fit they are counted in mixed radix; missing and unseen are ids like others.
    """
    if prod(state.sizes) <= state.buckets:
        place = jnp.zeros_like(ids[0])
        for size, each in zip(state.sizes, ids, strict=True):
            place = place * size + each
        return FIRST + place
    mixed = jnp.zeros(ids[0].shape, jnp.uint32)
    for each in ids:
        mixed = _mixed(mixed * jnp.uint32(0x9E3779B1) + each.astype(jnp.uint32))
    return FIRST + jax.lax.rem(mixed, jnp.uint32(state.buckets)).astype(jnp.int32)


def _mixed(bits: jax.Array) -> jax.Array:
    """Return u32 of which each bit depends on all bits: the finaliser of MurmurHash3 (Appleby 2011)."""
    bits = (bits ^ (bits >> 16)) * jnp.uint32(0x85EBCA6B)
    bits = (bits ^ (bits >> 13)) * jnp.uint32(0xC2B2AE35)
    return bits ^ (bits >> 16)
