"""A team's own functions over encoded rows, one row at a time: part of the exported program."""

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp

# Operations of JAX that give an element the same bits whatever lies beside it. Others (sums, matrix
# products, sorts) may be computed in an order that depends on how many rows there are.
BY_ELEMENT = frozenset(
    "abs acos acosh add add_any and asin asinh atan atan2 atanh bessel_i0e bessel_i1e bitcast_convert_type"
    " broadcast_in_dim cbrt ceil clamp concatenate convert_element_type copy copy_p copysign cos cosh"
    " custom_jvp_call custom_vjp_call digamma div eq erf erf_inv erfc exp exp2 expand_dims expm1 floor"
    " gather ge gt igamma igammac integer_pow iota is_finite jit le lgamma log log1p logistic lt max min"
    " mul ne neg nextafter not or pad pjit population_count pow real reduce_precision regularized_incomplete_beta"
    " rem reshape rev round rsqrt select_and_scatter_add select_n shift_left shift_right_arithmetic"
    " shift_right_logical sign sin sinh slice split sqrt square squeeze stop_gradient sub tan tanh transpose"
    " xor".split()
)


def by_row(function: Callable[..., Any], arrays: Sequence[jax.Array], width: int) -> jax.Array:
    """Return f32[width, rows] of a function of f32[rows] arrays; what is not finite is 0.

    The function sees one row at a time, so it cannot mix rows. It stands apart from what is around
    it, so that it is compiled alike in every program. Where it does more than compute by element,
    rows are computed one after the other.
    """
    apart = jax.lax.optimization_barrier(tuple(arrays))

    def one(*row: jax.Array) -> jax.Array:
        alone = [jnp.reshape(value, (1,)) for value in row]
        return jnp.reshape(function(*alone), (width,)).astype(jnp.float32)

    single = jax.ShapeDtypeStruct((), jnp.float32)  # type: ignore[no-untyped-call] # JAX leaves it so.
    if _is_by_element(jax.make_jaxpr(one)(*[single] * len(arrays)).jaxpr):
        made = jax.vmap(one, out_axes=1)(*apart)
    else:
        made = jax.lax.map(lambda row: one(*row), apart).T
    made = jax.lax.optimization_barrier(made)
    return jnp.where(jnp.isfinite(made), made, 0)


def _is_by_element(jaxpr: Any) -> bool:
    from mlplatform.features.functions_rows import equations

    return all(each.primitive.name in BY_ELEMENT for each in equations(jaxpr))
