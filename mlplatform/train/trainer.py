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


class Seeds(NamedTuple):
    """A u32 word for each use of chance; the initial parameters have their own."""

    order: Array | np.uint32
    dropout: Array | np.uint32


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
    seeds: Seeds,
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

    def update(state: _State, batch: jax.Array) -> tuple[_State, jax.Array]:
        part = jax.tree.map(lambda a: a[batch], rows)
        dropout = (stream(seeds.dropout, state.step), hyper.dropout)
        loss, slope = jax.value_and_grad(mean_loss)(state.params, part, net, dropout)
        direction, moments = adam.update(slope, state.adam)
        rate = hyper.learning_rate * schedule(state.step, steps, epochs)
        decay = hyper.weight_decay
        moved = jax.tree.map(lambda p, d: p - rate * (d + decay * p), state.params, direction)
        return _State(moved, moments, state.step + 1), loss

    def epoch(
        carry: tuple[_State, Params, jax.Array], number: jax.Array
    ) -> tuple[tuple[_State, Params, jax.Array], Curve]:
        state, best, least = carry
        order = permutation(stream(seeds.order, number), rows.labels.shape[0])
        batches = order[: steps * batch_size].reshape(steps, batch_size)
        state, losses = jax.lax.scan(update, state, batches)
        measured = measure(state.params, validation, net)
        better = measured.validation_loss < least
        best = jax.tree.map(lambda new, old: jnp.where(better, new, old), state.params, best)
        least = jnp.where(better, measured.validation_loss, least)
        return (state, best, least), measured._replace(train_loss=losses.mean())

    start = _State(params, adam.init(params), jnp.int32(0))
    (_, best, _), curve = jax.lax.scan(
        epoch, (start, params, jnp.float32(jnp.inf)), jnp.arange(epochs)
    )
    return best, curve


def stream(seed: Array | np.uint32, number: jax.Array) -> jax.Array:
    """Return the random key of one step or epoch: Threefry's own two words, the seed and a counter.

    Named, because another default generator would train another model.
    """
    words = jnp.stack([jnp.uint32(seed), number.astype(jnp.uint32)])
    key: jax.Array = jax.random.wrap_key_data(words, impl="threefry2x32")
    return key


def permutation(key: jax.Array, rows: int) -> jax.Array:
    """Return the row numbers in random order.

    One sort of random words. Equal words keep their order, which for a million rows touches a
    hundred; JAX's own permutation sorts again to mend that, and takes twice as long.
    """
    return jnp.argsort(jax.random.bits(key, (rows,), jnp.uint32))


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
    """Return the share of (positive, negative) pairs in the right order, ties counting half.

    The U statistic of Mann & Whitney (1947). Sorted once with the positives of a tie last and once
    with them first, the mean of the two counts each tie half.
    """
    rows, positives = labels.shape[0], labels.sum()
    place = (jnp.arange(rows) + 1) / rows
    scores, labels = jnp.asarray(scores), jnp.asarray(labels)
    last = jax.lax.sort((scores, labels), num_keys=2)[1]
    first = 1 - jax.lax.sort((scores, 1 - labels), num_keys=2)[1]
    # Mean rank of the positives as a share of the rows: f32 cannot hold sums of many ranks.
    rank = (place * (first + last) / 2).sum() / positives
    return (rank - (positives + 1) / (2 * rows)) * rows / (rows - positives)
