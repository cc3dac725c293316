"""The whole training run as one XLA program: a scan over epochs of a scan over batches."""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax  # type: ignore[import-untyped] # Optax ships no types.

from mlplatform.train.mlp import Array, Mlp, Params

WARM_UP = (
    0.5  # Epochs over which the learning rate rises; Adam's first steps are its least reliable.
)


class Rows(NamedTuple):
    """Rows of one part: vectors f32[rows, vectors], ids i32[rows, m], labels f32[rows] of 0 and 1."""

    vectors: Array
    ids: Array
    labels: Array


class Hyper(NamedTuple):
    """What a study may vary without compiling again."""

    learning_rate: Array | np.float32
    weight_decay: Array | np.float32
    dropout: Array | np.float32


class Curve(NamedTuple):
    """One value an epoch: losses in nats a row, the validation rows' AUC and accuracy."""

    train_loss: jax.Array
    validation_loss: jax.Array
    validation_auc: jax.Array
    validation_accuracy: jax.Array


class _State(NamedTuple):
    params: Params
    adam: optax.OptState
    step: jax.Array


@partial(jax.jit, static_argnames=("net", "epochs", "batch_size"), donate_argnames="params")
def train(
    params: Params,
    rows: Rows,
    validation: Rows,
    key: jax.Array,
    hyper: Hyper,
    *,
    net: Mlp,
    epochs: int,
    batch_size: int,
) -> tuple[Params, Curve]:
    """Return the parameters after the epoch with the least validation loss, and the curve of all epochs.

    AdamW (Loshchilov & Hutter 2019) with a short warm-up and cosine decay to zero. Each epoch
    visits whole batches of a fresh permutation; the few rows left over are others each time.
    `batch_size` is at most the number of rows.
    """
    steps = rows.labels.shape[0] // batch_size
    adam = optax.scale_by_adam()

    def update(state: _State, batch: tuple[jax.Array, jax.Array]) -> tuple[_State, jax.Array]:
        part = jax.tree.map(lambda a: a[batch[0]], rows)
        dropout = (batch[1], hyper.dropout)
        loss, slope = jax.value_and_grad(mean_loss)(state.params, part, net, dropout)
        direction, moments = adam.update(slope, state.adam)
        rate = hyper.learning_rate * schedule(state.step, steps, epochs)
        decay = hyper.weight_decay
        moved = jax.tree.map(lambda p, d: p - rate * (d + decay * p), state.params, direction)
        return _State(moved, moments, state.step + 1), loss

    def epoch(
        carry: tuple[_State, Params, jax.Array], key: jax.Array
    ) -> tuple[tuple[_State, Params, jax.Array], Curve]:
        state, best, least = carry
        order, dropout = jax.random.split(key)
        shuffled = jax.random.permutation(order, rows.labels.shape[0])[: steps * batch_size]
        batches = shuffled.reshape(steps, batch_size), jax.random.split(dropout, steps)
        state, losses = jax.lax.scan(update, state, batches)
        measured = measure(state.params, validation, net)
        better = measured.validation_loss < least
        best = jax.tree.map(lambda new, old: jnp.where(better, new, old), state.params, best)
        least = jnp.where(better, measured.validation_loss, least)
        return (state, best, least), measured._replace(train_loss=losses.mean())

    start = _State(params, adam.init(params), jnp.int32(0))
    (_, best, _), curve = jax.lax.scan(
        epoch, (start, params, jnp.float32(jnp.inf)), jax.random.split(key, epochs)
    )
    return best, curve


def mean_loss(
    params: Params, rows: Rows, net: Mlp, dropout: tuple[jax.Array, jax.Array] | None = None
) -> jax.Array:
    """Return the mean cross-entropy of the rows, in nats."""
    logits = net.logits(params, rows.vectors, rows.ids, dropout)
    return jnp.mean(optax.sigmoid_binary_cross_entropy(logits, rows.labels))


def measure(params: Params, rows: Rows, net: Mlp) -> Curve:
    """Return loss, AUC and accuracy (at probability one half) of held-out rows."""
    logits = net.logits(params, rows.vectors, rows.ids)
    loss = optax.sigmoid_binary_cross_entropy(logits, rows.labels).mean()
    right = ((logits > 0) == (rows.labels > 0.5)).mean()
    return Curve(loss, loss, auc(logits, rows.labels), right)


def schedule(step: jax.Array, steps: int, epochs: int) -> jax.Array:
    """Return the share of the learning rate at `step` of `epochs` of `steps` each: warm-up, then half a cosine."""
    rise = jnp.minimum((step + 1) / max(1, WARM_UP * steps), 1)
    return rise * 0.5 * (1 + jnp.cos(jnp.pi * step / (steps * epochs)))


def auc(scores: Array, labels: Array) -> jax.Array:
    """Return the share of (positive, negative) pairs in the right order, ties counting half: Mann & Whitney (1947)."""
    ordered = jnp.sort(scores)
    below = jnp.searchsorted(ordered, scores, side="left")
    not_above = jnp.searchsorted(ordered, scores, side="right")
    rows, positives = labels.shape[0], labels.sum()
    # Mean rank of the positives as a share of the rows: sums of ranks would overflow f32's 24 bits.
    rank = ((below + not_above + 1) / (2 * rows) * labels).sum() / positives
    return (rank - (positives + 1) / (2 * rows)) * rows / (rows - positives)
