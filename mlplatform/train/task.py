"""What a network is fitted to: its loss, what it predicts, and how that is measured, by kind of label."""

from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax  # type: ignore[import-untyped] # Optax ships no types.

from mlplatform.features.predicts import Predicts
from mlplatform.spec.label import Kind, Label

Array = jax.Array | np.ndarray
Number = Array | np.number[Any]  # Of no dimension.


class Rows(NamedTuple):
    """Rows of one part.

    Attributes:
        vectors: f32[rows, V].
        ids: i32[rows, M].
        labels: f32[rows] of 0 and 1 (binary) or of numbers (regression), i32[rows] of classes.
        weights: f32[rows], how much each row counts.
    """

    vectors: Array
    ids: Array
    labels: Array
    weights: Array


class Scale(NamedTuple):
    """Mean and standard deviation of a regression's training labels; 0 and 1 for classes."""

    mean: Number
    deviation: Number


@dataclass(frozen=True)
class Task:
    """The kind of label; hashable, so that equal tasks share one compiled program.

    Attributes:
        kind: As the spec's `label.task`.
        outputs: Numbers a row that a network gives: 1, one a class, or one a quantile.
        quantiles: Of a regression; empty where the mean is predicted.
    """

    kind: Kind
    outputs: int = 1
    quantiles: tuple[float, ...] = ()

    @staticmethod
    def of(label: Label) -> "Task":
        """Return the task that a spec's label sets."""
        outputs = len(label.classes) or len(label.quantiles) or 1
        return Task(label.task, outputs, tuple(label.quantiles))

    @property
    def metric(self) -> str:
        """The name of the loss on held-out rows: log_loss in nats, rmse or pinball in the label's unit."""
        return Predicts(self.kind, quantiles=self.quantiles).metric

    def loss(
        self, logits: Array, labels: Array, scale: Scale, smoothing: Number | float = 0.0
    ) -> jax.Array:
        """Return f32[rows]: the loss of each row, the mean over members.

        Cross-entropy in nats; for numbers half the squared error, or the pinball loss of Koenker &
        Bassett (1978), in standard deviations of the label.

        Args:
            logits: f32[rows, members, outputs].
            labels: As in `Rows`.
            scale: Of a regression's labels.
            smoothing: Share of a class's probability spread over all (Szegedy et al. 2016).
        """
        if self.kind == "binary":
            target = labels * (1 - smoothing) + smoothing / 2
            each: jax.Array = optax.sigmoid_binary_cross_entropy(logits[..., 0], target[:, None])
        elif self.kind == "multiclass":
            target = jax.nn.one_hot(labels, self.outputs)
            target = target * (1 - smoothing) + smoothing / self.outputs
            each = optax.softmax_cross_entropy(logits, target[:, None, :])
        else:
            standard = jnp.asarray((labels - scale.mean) / scale.deviation)[:, None, None]
            each = self._distance(standard - logits).mean(-1)
        return each.mean(-1)

    def predict(self, logits: Array, scale: Scale) -> jax.Array:
        """Return what is predicted, the mean over members.

        f32[rows]: the probability of class 1, or the number; f32[rows, classes]: probabilities;
        f32[rows, quantiles], rising.
        """
        if self.kind == "binary":
            return jax.nn.sigmoid(logits[..., 0]).mean(1)
        if self.kind == "multiclass":
            return jax.nn.softmax(logits, axis=-1).mean(1)
        found = logits.mean(1) * scale.deviation + scale.mean
        return jnp.sort(found, axis=1) if self.quantiles else found[:, 0]

    def _distance(self, error: jax.Array) -> jax.Array:
        if not self.quantiles:
            return 0.5 * error**2
        wanted = jnp.asarray(self.quantiles, jnp.float32)
        return jnp.maximum(wanted * error, (wanted - 1) * error)


@dataclass(frozen=True)
class Shape:
    """What a network is built for; hashable.

    Attributes:
        vectors: Float features a row.
        ids: Number of ids of each id feature.
        task: What is predicted.
    """

    vectors: int
    ids: tuple[int, ...]
    task: Task
