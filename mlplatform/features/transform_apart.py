"""Computations that a compiler must not treat otherwise in another program or for other rows.

What XLA makes of a logarithm on cpu depends on what surrounds it: with a whole vector's worth of rows it
is one approximation, for the rest another, and products are contracted with sums where they meet.
Seen: 4,124 of 60,000 logarithms have other bits in batches of three rows than in a large one. So what
approximates, and what a team wrote, is computed in a loop whose body is the same whatever the
batch: `BLOCK` rows, the last ones filled up with zeros.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp

BLOCK = 256  # Rows: a loop's turn takes 2 us, as does a sine of so many rows.


def apart(
    function: Callable[[jax.Array], jax.Array], values: jax.Array, block: int = BLOCK
) -> jax.Array:
    """Return `function` of f32[n, rows], which gives f32[m, rows] and keeps to its row, `block` rows at a time."""
    rows = values.shape[1]
    held = jnp.pad(values, ((0, 0), (0, block)))
    width = jax.eval_shape(function, held[:, :block]).shape[0]

    def next_block(turn: jax.Array, made: jax.Array) -> jax.Array:
        at = turn * block
        part = _alone(function, jax.lax.dynamic_slice_in_dim(held, at, block, axis=1))
        return jax.lax.dynamic_update_slice_in_dim(made, part, at, axis=1)

    # Counted by ones: XLA takes a loop from 0 to 1 by more for none at all.
    start = jnp.zeros((width, rows + block), jnp.float32)
    made: jax.Array = jax.lax.fori_loop(0, (rows + block - 1) // block, next_block, start)
    return made[:, :rows]


def _alone(function: Callable[[jax.Array], jax.Array], part: jax.Array) -> jax.Array:
    """Return `function` of `part`, computed in a loop of one turn.

    Its body holds nothing but the function and arrays of one shape. That there is one turn the
    compiler must not know, or it would unroll the loop: it does not know that no more than 32 of 32
    bits are set.
    """
    bits = jax.lax.bitcast_convert_type(part[0, 0], jnp.uint32)
    turns = 1 + (jax.lax.population_count(bits) > 32).astype(jnp.int32)
    nothing_more = jnp.zeros_like(part)  # What stays the same would be computed before the loop.
    nothing = jnp.zeros_like(jax.eval_shape(function, part))

    def turn(
        state: tuple[jax.Array, jax.Array, jax.Array],
    ) -> tuple[jax.Array, jax.Array, jax.Array]:
        at, given, _ = state
        return at + 1, nothing_more, function(given)

    start = jnp.int32(0), part, nothing
    return jax.lax.while_loop(lambda state: state[0] < turns, turn, start)[2]
