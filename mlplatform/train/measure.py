"""How good predictions are on held-out rows, computed where they are."""

import jax
import jax.numpy as jnp

from mlplatform.train.task import Array, Rows, Task

TINY = 1e-7  # The least probability a log loss counts: f32 holds 1 - 1e-7 apart from 1.


def measure(task: Task, predicted: Array, rows: Rows) -> dict[str, jax.Array]:
    """Return the metrics of predictions on rows, each row by its weight, all but AUC.

    `loss` comes first and is what training lowers: the metric that `Task.metric` names.
    Classes: log loss in nats, accuracy, and AUC of a binary label. Numbers: root mean square and
    mean absolute error in the label's unit and R², or the mean pinball loss of quantiles.
    """
    share = rows.weights / rows.weights.sum()
    if task.kind == "binary":
        return _binary(jnp.asarray(predicted), rows.labels, share)
    if task.kind == "multiclass":
        return _multiclass(jnp.asarray(predicted), rows.labels, share)
    return _number(task, jnp.asarray(predicted), rows.labels, share)


def _binary(predicted: jax.Array, labels: Array, share: Array) -> dict[str, jax.Array]:
    of_label = jnp.where(labels > 0.5, predicted, 1 - predicted)
    right = (predicted >= 0.5) == (labels > 0.5)
    return {
        "loss": -(share * jnp.log(jnp.maximum(of_label, TINY))).sum(),
        "auc": auc(predicted, labels),
        "accuracy": (share * right).sum(),
    }


def _multiclass(predicted: jax.Array, labels: Array, share: Array) -> dict[str, jax.Array]:
    of_label = jnp.take_along_axis(predicted, labels[:, None], axis=1)[:, 0]
    right = predicted.argmax(1) == labels
    return {
        "loss": -(share * jnp.log(jnp.maximum(of_label, TINY))).sum(),
        "accuracy": (share * right).sum(),
    }


def _number(task: Task, predicted: jax.Array, labels: Array, share: Array) -> dict[str, jax.Array]:
    if task.quantiles:
        error = labels[:, None] - predicted
        wanted = jnp.asarray(task.quantiles, jnp.float32)
        pinball = jnp.maximum(wanted * error, (wanted - 1) * error).mean(1)
        within = (labels >= predicted[:, 0]) & (labels <= predicted[:, -1])
        return {"loss": (share * pinball).sum(), "coverage": (share * within).sum()}
    error = labels - predicted
    spread = (share * (labels - (share * labels).sum()) ** 2).sum()
    squared = (share * error**2).sum()
    return {
        "loss": jnp.sqrt(squared),
        "mae": (share * jnp.abs(error)).sum(),
        "r2": 1 - squared / spread,
    }


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
