"""Encoded rows to feature vectors and ids, in JAX: the content of the exported program, and of nothing else.

Every operation is elementwise or a copy, so a row's features have the same bits whatever batch it is
in. A compiler may still contract a product and a following sum to one operation that rounds once,
and not do so in another program: nothing here adds to a product.
Rows are the last axis throughout, so that an operation runs along memory whatever the number of
features, and numbers are one wide operation, as XLA's compile time goes by the number of operations.
"""

from collections.abc import Callable, Mapping
from itertools import accumulate
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from mlplatform.features.encoder import Encoder
from mlplatform.features.inputs import Input
from mlplatform.features.state import (
    BucketState,
    CrossState,
    FunctionState,
    IdState,
    NumericState,
    TimeState,
    WideState,
)
from mlplatform.features.transform_cross import crossed
from mlplatform.features.transform_functions import by_row
from mlplatform.features.transform_numbers import bucketed, scaled
from mlplatform.features.transform_slices import Slice, stacked, whole
from mlplatform.features.transform_times import Clock, cycles, part

MOST = 4095  # A word's count that is told from greater ones; their logarithms come from a table.
Functions = Mapping[str, Callable[..., Any]]
Array = jax.Array | np.ndarray


def transform(
    encoder: Encoder, functions: Functions, numeric: Array, integers: Array
) -> tuple[jax.Array, jax.Array]:
    """Return vectors f32[rows, vectors] and ids i32[rows, ids] of `Encoded` arrays, in order of the states.

    Args:
        encoder: The fitted state.
        functions: The functions of its `FunctionState`s, by name.
        numeric: f32[rows, n], NaN where a value is missing.
        integers: i32[rows, m].
    """
    numbers, whole_numbers = jnp.transpose(numeric), jnp.transpose(integers)
    rows, states = numbers.shape[1], encoder.states
    vectors = _vectors(encoder, functions, numbers)
    ids = _ids(encoder, numbers, whole_numbers)
    for of_time, clock in _clocks(encoder, whole_numbers):
        if of_time.cycles:
            vectors[of_time.name] = [whole(cycles(clock, of_time.cycles))]
        ids |= {f"{of_time.name}__{name}": whole(part(clock, name)) for name in of_time.parts}
    for state in states:
        if isinstance(state, CrossState):
            combined = [ids[name].block[ids[name].start] for name in state.of]
            ids[f"{state.name}__id"] = whole(crossed(state, combined)[None])
    in_order = [one for state in states for one in vectors.get(state.name, [])]
    ids_in_order = [ids[name] for state in states for name in state.ids]
    return (
        stacked(in_order, rows, jnp.float32).T,
        stacked(ids_in_order, rows, jnp.int32).T,
    )


def _vectors(encoder: Encoder, functions: Functions, numeric: jax.Array) -> dict[str, list[Slice]]:
    """Return the float features of numbers, text, vectors and functions, by the state's name."""
    first = _first_columns(encoder.inputs)
    numbers = [state for state in encoder.states if isinstance(state, NumericState)]
    found = scaled(numbers, [first[state.input] for state in numbers], numeric)
    for state in encoder.states:
        if isinstance(state, WideState):
            start = first[state.input]
            found[state.name] = [whole(_wide(state, numeric[start : start + state.width]))]
        elif isinstance(state, FunctionState):
            arrays = [numeric[first[place]] for place in state.inputs]
            found[state.name] = [whole(by_row(functions[state.name], arrays, state.width))]
    return found


def _ids(encoder: Encoder, numeric: jax.Array, integers: jax.Array) -> dict[str, Slice]:
    """Return encoded ids and those of intervals, by the id's name."""
    first = _first_columns(encoder.inputs)
    buckets = [state for state in encoder.states if isinstance(state, BucketState)]
    found = bucketed(buckets, [first[state.input] for state in buckets], numeric)
    for state in encoder.states:
        if isinstance(state, IdState):
            at = first[state.input]
            found[f"{state.name}__id"] = Slice(integers, at, at + 1)
    return found


def _clocks(encoder: Encoder, integers: jax.Array) -> list[tuple[TimeState, Clock]]:
    """Return each state of an instant with its instants; those of the same input share them."""
    first = _first_columns(encoder.inputs)
    states = [state for state in encoder.states if isinstance(state, TimeState)]
    found = {s.input: Clock(*integers[first[s.input] :][:2]) for s in states}
    return [(state, found[state.input]) for state in states]


def _wide(state: WideState, values: jax.Array) -> jax.Array:
    if not state.log:
        return jnp.where(jnp.isnan(values), 0, values)
    table = jnp.asarray(np.log1p(np.arange(MOST + 1, dtype=np.float64)).astype(np.float32))
    places = jnp.clip(values, 0, MOST).astype(jnp.int32)
    return table.at[places].get(mode="promise_in_bounds")


def _first_columns(inputs: tuple[Input, ...]) -> list[int]:
    """Return each input's first column in the array it is in."""
    widths = {kind: [one.width * (one.numeric is kind) for one in inputs] for kind in (True, False)}
    starts = {kind: list(accumulate(of, initial=0)) for kind, of in widths.items()}
    return [starts[one.numeric][at] for at, one in enumerate(inputs)]
