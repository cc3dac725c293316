"""Numbers of encoded rows, scaled or as categories: part of the exported program.

Each bin, scale and quantile is a ramp, clip((x - start) * slope, low, high): a difference and then a
product, which no compiler can contract to one operation.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from mlplatform.features.inputs import FIRST, MISSING
from mlplatform.features.state import BucketState, NumericState
from mlplatform.features.transform_apart import apart
from mlplatform.features.transform_slices import Slice, column, picked

# A standardised value further out is clipped: past ten deviations a unit or a sensor is wrong,
# and a value that grows without bound would decide the prediction by itself. (Bins and quantiles
# are bounded by 0 and 1 anyway.)
FARTHEST = 10.0
FINITE = float(np.finfo(np.float32).max)


class Ramp(NamedTuple):
    """clip((x - start) * slope, low, high).

    A product with the inverse width, since some backends rewrite a division so and others do not.
    """

    start: float
    slope: float
    low: float
    high: float


NOTHING = Ramp(0, 0, 0, 0)
AS_IT_IS = Ramp(0, 1, -FINITE, FINITE)


def scaled(
    states: Sequence[NumericState], places: Sequence[int], numeric: jax.Array
) -> dict[str, list[Slice]]:
    """Return the float features of each state by its name.

    A bin holds how far the value has come through it, from 0 to 1: equation 1 of Gorishniy,
    Rubachev & Babenko (2022), "On Embeddings for Numerical Features in Tabular Deep Learning",
    bounded at both ends.

    Args:
        states: Of numbers.
        places: Of their inputs in `numeric`.
        numeric: f32[n, rows], NaN where a value is missing.
    """
    if not states:
        return {}
    raw = picked(numeric, places)
    values = _prepared(states, raw)
    by_quantile = [at for at, state in enumerate(states) if state.scale == "quantile"]
    ranks, found, lines = jnp.zeros((0, raw.shape[1])), {}, _lines(states)
    if by_quantile:
        ranks = _quantiles([states[at] for at in by_quantile], picked(values, by_quantile))
    source = values
    if any(state.indicator for state in states):
        source = jnp.concatenate([values, jnp.isnan(raw).astype(jnp.float32)])
    block = _ramped(source, lines)
    for at, state in enumerate(states):
        rows = [k for k, (source, _) in enumerate(lines) if source % len(states) == at]
        found[state.name] = [Slice(block, k, k + 1) for k in rows]
        if state.scale == "quantile":
            rank = by_quantile.index(at)
            found[state.name].insert(0, Slice(ranks, rank, rank + 1))
    return found


def _lines(states: Sequence[NumericState]) -> list[tuple[int, Ramp]]:
    """Return each ramp, those of a state in order, with the row it begins at.

    That is the state's value, or behind all values the number that says that it is missing.
    """
    lines = []
    for at, state in enumerate(states):
        lines += [(at, ramp) for ramp in ramps(state)]
        lines += [(len(states) + at, AS_IT_IS)] * state.indicator
    return lines


def ramps(state: NumericState) -> list[Ramp]:
    """Return the ramp of each float feature of a number but its indicator; a constant stays 0."""
    if state.scale == "quantile":
        return []
    if state.scale == "none":
        return [AS_IT_IS]
    if state.scale == "bins":
        edges = zip(state.edges, state.edges[1:], strict=False)
        bins = [Ramp(low, 1 / (high - low), 0, 1) for low, high in edges]
        return bins or [NOTHING]
    if not state.deviation > 0:
        return [NOTHING]
    return [Ramp(state.mean, 1 / state.deviation, -FARTHEST, FARTHEST)]


def bucketed(
    states: Sequence[BucketState], places: Sequence[int], numeric: jax.Array
) -> dict[str, Slice]:
    """Return the id of each state by its name: `FIRST` + edges at or below the value, or `MISSING`."""
    if not states:
        return {}
    values = picked(numeric, places)
    above = _edges_below(values, [state.edges for state in states])
    block = jnp.where(jnp.isnan(values), MISSING, FIRST + above)
    return {f"{s.name}__id": Slice(block, k, k + 1) for k, s in enumerate(states)}


def _prepared(states: Sequence[NumericState], raw: jax.Array) -> jax.Array:
    """Return the values clipped, filled, and as logarithms where a state says so."""
    values = raw
    if any(state.clip for state in states):
        ends = [state.clip or (-FINITE, FINITE) for state in states]
        values = jnp.clip(values, column(low for low, _ in ends), column(high for _, high in ends))
    values = jnp.where(jnp.isnan(raw), column(state.fill for state in states), values)
    if any(state.log for state in states):
        logged = [at for at, state in enumerate(states) if state.log]
        both = jnp.concatenate([values, apart(_signed_log, picked(values, logged))])
        rows = range(len(states))
        values = picked(both, [len(rows) + logged.index(at) if at in logged else at for at in rows])
    return values


def _signed_log(values: jax.Array) -> jax.Array:
    return jnp.copysign(jnp.log1p(jnp.abs(values)), values)


def _ramped(source: jax.Array, lines: Sequence[tuple[int, Ramp]]) -> jax.Array:
    wide = picked(source, [at for at, _ in lines])
    start, slope, low, high = (column(ramp[k] for _, ramp in lines) for k in range(4))
    return jnp.clip((wide - start) * slope, low, high)


def _quantiles(states: Sequence[NumericState], values: jax.Array) -> jax.Array:
    """Return the share of training rows below each value, piecewise linear from edge to edge."""
    size = max(len(state.edges) for state in states)
    starts, slopes, lows, highs = (np.zeros((len(states), size), np.float32) for _ in range(4))
    for at, state in enumerate(states):
        for k, ramp in enumerate(_quantile_ramps(state)):
            for table, value in zip((starts, slopes, lows, highs), ramp, strict=True):
                table[at, k] = column([value])[0, 0]
    last = np.array([[max(len(state.edges) - 2, 0)] for state in states], np.int32)
    below = _edges_below(values, [state.edges for state in states])
    first = np.arange(0, starts.size, size, dtype=np.int32)[:, None]
    places = jnp.clip(below - 1, 0, last) + first
    start, slope, low, high = (_looked_up(t, places) for t in (starts, slopes, lows, highs))
    return jnp.clip((values - start) * slope, low, high)


def _quantile_ramps(state: NumericState) -> Iterable[Ramp]:
    """Return the ramp from each edge to the next, begun where it would cross 0."""
    for k in range(len(state.edges) - 1):
        low, high = state.shares[k : k + 2]
        slope = (high - low) / (state.edges[k + 1] - state.edges[k])
        yield Ramp(state.edges[k] - low / slope, slope, low, high)


def _edges_below(values: jax.Array, edges: Sequence[tuple[float, ...]]) -> jax.Array:
    """Return i32[features, rows]: how many edges are at or below each value; 0 for NaN.

    A binary search in every feature's edges at once, filled up with infinity to a power of two.
    """
    steps = max(len(of) for of in edges).bit_length()
    table = np.full((len(edges), 1 << steps), np.inf, np.float32)
    for at, of in enumerate(edges):
        table[at, : len(of)] = column(of)[:, 0]
    first = np.arange(0, table.size, 1 << steps, dtype=np.int32)[:, None]
    found = jnp.zeros(values.shape, jnp.int32)
    for step in reversed(range(steps)):
        edge = _looked_up(table, found + (first + ((1 << step) - 1)))
        found = found + jnp.where(edge <= values, 1 << step, 0).astype(jnp.int32)
    return found


def _looked_up(table: np.ndarray, places: jax.Array) -> jax.Array:
    return jnp.asarray(table.ravel()).at[places].get(mode="promise_in_bounds")
