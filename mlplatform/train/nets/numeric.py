"""Embeddings of float features: each number becomes many, so that a network need not bend one line.

Gorishniy, Rubachev & Babenko, "On Embeddings for Numerical Features in Tabular Deep Learning",
NeurIPS 2022 (arXiv:2203.05556): piecewise-linear encoding with a linear layer, and periodic
activations.
"""

from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np

from mlplatform.spec.families import NumericEmbedding
from mlplatform.train.nets.net import Initial, Params
from mlplatform.train.task import Array

SAMPLE = 200_000  # Rows that quantiles are taken of: more move an edge by less than a rank in 500.
LOW, STEEP = "numeric.low", "numeric.steepness"
FREQUENCY = "numeric.frequency"
WEIGHT, BIAS = "numeric.weight", "numeric.bias"


@dataclass(frozen=True)
class Numeric:
    """The embedding of `vectors` float features; without a `form` they pass as they are."""

    vectors: int
    form: NumericEmbedding | None

    @property
    def size(self) -> int:
        """Numbers a row."""
        return self.vectors * (self.form.width if self.form else 1)

    def init(self, rng: np.random.Generator, vectors: np.ndarray) -> Initial:
        """Return the first weights and, for a piecewise-linear form, the edges of the bins.

        Args:
            rng: Draws the weights.
            vectors: f32[rows, V] of the training rows.
        """
        if self.form is None or not self.vectors:
            return Initial({}, {})
        bins, width = self.form.bins, self.form.width
        if self.form.kind == "periodic":
            spread = rng.normal(size=(self.vectors, bins)) * self.form.sigma
            learnt, fixed, reads = {FREQUENCY: spread.astype(np.float32)}, {}, 2 * bins
        else:
            low, steepness = edges(vectors, bins)
            learnt, fixed, reads = {}, {LOW: low, STEEP: steepness}, bins
        bound = 1 / np.sqrt(reads)
        shape = (self.vectors, reads, width)
        learnt[WEIGHT] = rng.uniform(-bound, bound, shape).astype(np.float32)
        learnt[BIAS] = rng.uniform(-bound, bound, (self.vectors, width)).astype(np.float32)
        return Initial(learnt, fixed)

    def embed(self, params: Params, vectors: Array) -> jax.Array:
        """Return [rows, features * width], or the vectors themselves."""
        if self.form is None or not self.vectors:
            return jnp.asarray(vectors)
        if self.form.kind == "periodic":
            turns = 2 * jnp.pi * vectors[:, :, None] * params[FREQUENCY].astype(jnp.float32)
            encoded = jnp.concatenate([jnp.sin(turns), jnp.cos(turns)], axis=2)
        else:
            encoded = jnp.clip((vectors[:, :, None] - params[LOW]) * params[STEEP], 0, 1)
        weight = params[WEIGHT]
        found = jnp.einsum("rvb,vbw->rvw", encoded.astype(weight.dtype), weight) + params[BIAS]
        if self.form.kind == "periodic":
            found = jax.nn.relu(found)
        return found.reshape(vectors.shape[0], -1)


def edges(vectors: np.ndarray, bins: int) -> tuple[np.ndarray, np.ndarray]:
    """Return for each feature where its bins begin, and one over their widths: f32[V, bins] each.

    Bins end at quantiles of the rows. Of a feature with fewer distinct quantiles the bins left over
    have steepness 0: they add nothing.
    """
    low = np.zeros((vectors.shape[1], bins), np.float32)
    steepness = np.zeros_like(low)
    taken = vectors[:: max(1, len(vectors) // SAMPLE)]
    for at in range(vectors.shape[1]):
        cuts = np.unique(np.quantile(taken[:, at], np.linspace(0, 1, bins + 1)).astype(np.float32))
        with np.errstate(over="ignore"):
            width = np.diff(cuts)
            kept = (width > 0) & np.isfinite(1 / width)
        low[at, : kept.sum()] = cuts[:-1][kept]
        steepness[at, : kept.sum()] = 1 / width[kept]
    return low, steepness
