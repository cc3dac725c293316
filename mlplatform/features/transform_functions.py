"""A team's own functions over encoded rows, one row at a time: part of the exported program."""

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp

from mlplatform.features.transform_apart import BLOCK, apart

# Operations of JAX that give an element the same bits wherever in an array it stands. In others, such
# as matrix products, the order of additions may depend on it.
_ANYWHERE = """
abs acos acosh add add_any and argmax argmin asin asinh atan atan2 atanh bessel_i0e bessel_i1e
bitcast_convert_type broadcast_in_dim cbrt ceil clamp concatenate convert_element_type copy copy_p copysign
cos cosh custom_jvp_call custom_vjp_call digamma div eq erf erf_inv erfc exp exp2 expand_dims expm1 floor
gather ge gt igamma igammac integer_pow iota is_finite jit le lgamma log log1p logistic lt max min mul ne
neg nextafter not or pad pjit population_count pow reduce_and reduce_max reduce_min reduce_or
reduce_precision reduce_prod reduce_sum rem reshape rev round rsqrt select_n shift_left
shift_right_arithmetic shift_right_logical sign sin sinh slice split sqrt square squeeze stop_gradient sub
tan tanh transpose xor
"""
ANYWHERE = frozenset(_ANYWHERE.split())


def by_row(function: Callable[..., Any], arrays: Sequence[jax.Array], width: int) -> jax.Array:
    """Return f32[width, rows] of a function of f32[rows] arrays; what is not finite is 0.

    The function sees one row at a time, so it cannot mix rows, and it is computed apart from what is
    around it. Where an element's place may matter, that is one row after the other.
    """

    def one(row: jax.Array) -> jax.Array:
        alone = [jnp.reshape(value, (1,)) for value in row]
        return jnp.reshape(function(*alone), (width,)).astype(jnp.float32)

    def rows(values: jax.Array) -> jax.Array:
        return jax.vmap(one, in_axes=1, out_axes=1)(values)

    made = apart(rows, jnp.stack(arrays), BLOCK if _anywhere(one, len(arrays)) else 1)
    return jnp.where(jnp.isfinite(made), made, 0)


def _anywhere(one: Callable[[jax.Array], jax.Array], count: int) -> bool:
    from mlplatform.features.functions_rows import equations

    row = jax.ShapeDtypeStruct((count,), jnp.float32)  # type: ignore[no-untyped-call] # JAX leaves it so.
    return all(
        each.primitive.name in ANYWHERE for each in equations(jax.make_jaxpr(one)(row).jaxpr)
    )
