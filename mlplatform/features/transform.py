"""Encoded rows to feature vectors, in JAX: part of the exported program, and of nothing else.

Every operation is elementwise or a copy, so a row's vector has the same bits whatever batch it is
in.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from mlplatform.features.state import NumericState

# A standardised value further out is clipped: past ten deviations a unit or a sensor is wrong,
# and a value that grows without bound would decide the prediction by itself. (Bins are bounded by
# 0 and 1 anyway.)
FARTHEST = 10.0


def transform(
    states: Sequence[NumericState],
    numeric: jax.Array | np.ndarray,
    categorical: jax.Array | np.ndarray,
) -> tuple[jax.Array, jax.Array]:
    """Return vectors f32[rows, all of the states'] and ids i32[rows, m] of `Encoded` arrays.

    A bin holds how far the value has come through it, from 0 to 1: equation 1 of Gorishniy,
    Rubachev & Babenko (2022), "On Embeddings for Numerical Features in Tabular Deep Learning",
    bounded at both ends.
    """
    missing = jnp.isnan(numeric)
    values = jnp.where(missing, _each(state.fill for state in states), numeric)
    if any(state.log for state in states):
        logs = jnp.sign(values) * jnp.log1p(jnp.abs(values))
        values = jnp.where(np.array([state.log for state in states]), logs, values)
    # All features as one wide operation: XLA's compile time goes by the number of operations.
    wide = [
        jnp.broadcast_to(values[:, at : at + 1], (values.shape[0], state.width))
        for at, state in enumerate(states)
    ]
    none = jnp.zeros((numeric.shape[0], 0), jnp.float32)
    ramps = _ramps(states)
    vectors = jnp.clip(
        (jnp.concatenate([none, *wide], axis=1) - ramps.start) * ramps.slope, ramps.low, ramps.high
    )
    indicators = [missing[:, at : at + 1] for at, state in enumerate(states) if state.indicator]
    vectors = jnp.concatenate([vectors, *indicators], axis=1, dtype=jnp.float32)
    return vectors, jnp.asarray(categorical, jnp.int32)


class _Ramps(NamedTuple):
    """clip((value - start) * slope, low, high) for each vector column, each f32[columns].

    A product with the inverse width, since some backends rewrite a division so and others do not.
    """

    start: np.ndarray
    slope: np.ndarray
    low: np.ndarray
    high: np.ndarray


def _ramps(states: Sequence[NumericState]) -> _Ramps:
    ramps = [ramp for state in states for ramp in _of(state)]
    return _Ramps(*(_each(ramp[at] for ramp in ramps) for at in range(4)))


def _of(state: NumericState) -> list[tuple[float, float, float, float]]:
    """Return start, slope, low and high of each column of one feature; a constant stays zero."""
    if len(state.edges) > 1:
        return [
            (low, 1 / (high - low), 0.0, 1.0)
            for low, high in zip(state.edges, state.edges[1:], strict=False)
        ]
    slope = 1 / state.deviation if state.deviation > 0 else 0.0
    return [(state.mean, slope, -FARTHEST, FARTHEST)]


def _each(values: Iterable[float]) -> np.ndarray:
    return np.array(list(values), dtype=np.float32)
