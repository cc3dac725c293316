"""TabM: an ensemble of perceptrons that share every weight matrix and differ by vectors.

Gorishniy, Kotelnikov & Babenko, "TabM: Advancing Tabular Deep Learning with Parameter-Efficient
Ensembling", ICLR 2025 (arXiv:2410.24210), on BatchEnsemble (Wen, Tran & Ba, ICLR 2020): member i
computes (x * r_i) W * s_i + b_i in each layer. Members are trained each by its own loss, on the same
batches, and predict by their mean.
"""

from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np

from mlplatform.train.nets.categories import Categories
from mlplatform.train.nets.layers import Dropout
from mlplatform.train.nets.net import Initial, Noise, Params
from mlplatform.train.nets.numeric import Numeric
from mlplatform.train.task import Array, Rows


@dataclass(frozen=True)
class TabMNet:
    """`members` perceptrons of `hidden` rectified units a layer."""

    numeric: Numeric
    categories: Categories
    hidden: tuple[int, ...]
    members: int
    outputs: int

    def init(self, seed: int, rows: Rows) -> Initial:
        """Return f32 parameters by name.

        Members differ at first by random scales of what the first layer reads, one for each
        embedded feature, and by their heads; every other scale is one.
        """
        rng = np.random.default_rng(seed)
        params = self.categories.init(rng, np.asarray(rows.ids))
        embedded = self.numeric.init(rng, np.asarray(rows.vectors))
        width = self.numeric.size + self.categories.size
        for at, units in enumerate(self.hidden):
            bound = 1 / np.sqrt(max(width, 1))
            params[f"hidden.{at}.weight"] = rng.uniform(-bound, bound, (width, units))
            params[f"hidden.{at}.bias"] = np.tile(
                rng.uniform(-bound, bound, units), (self.members, 1)
            )
            first = self._scales(rng) if not at else np.ones((self.members, width))
            params[f"hidden.{at}.in"] = first
            params[f"hidden.{at}.out"] = np.ones((self.members, units))
            width = units
        bound = 1 / np.sqrt(width)
        shape = (self.members, width, self.outputs)
        params["output.weight"] = rng.uniform(-bound, bound, shape)
        params["output.bias"] = rng.uniform(-bound, bound, (self.members, self.outputs))
        single = {name: array.astype(np.float32) for name, array in params.items()}
        return Initial(single | embedded.params, embedded.fixed)

    def logits(
        self, params: Params, vectors: Array, ids: Array, noise: Noise | None = None
    ) -> jax.Array:
        """Return [rows, members, outputs]."""
        numbers = self.numeric.embed(params, vectors)
        of_ids = self.categories.embed(params, ids)
        read = jnp.concatenate([numbers.astype(of_ids.dtype), of_ids], axis=1)
        out = jnp.broadcast_to(read[:, None, :], (ids.shape[0], self.members, read.shape[1]))
        dropout = Dropout(noise, ids.shape[0], self.members * sum(self.hidden))
        for at, units in enumerate(self.hidden):
            weight = params[f"hidden.{at}.weight"]
            # One product of all members' rows: matrices of two dimensions are what is fast.
            scaled = (out * params[f"hidden.{at}.in"]).reshape(-1, weight.shape[0])
            product = (scaled @ weight).reshape(ids.shape[0], self.members, units)
            out = product * params[f"hidden.{at}.out"] + params[f"hidden.{at}.bias"]
            out = dropout(jax.nn.relu(out))
        head = params["output.weight"]
        if self.outputs == 1:
            return (out * head[:, :, 0]).sum(-1, keepdims=True) + params["output.bias"]
        return jnp.einsum("rmu,muo->rmo", out, head) + params["output.bias"]

    def _scales(self, rng: np.random.Generator) -> np.ndarray:
        """Return [members, width]: a random scale for each feature, the same for all its numbers."""
        widths = [self.numeric.size // max(self.numeric.vectors, 1)] * self.numeric.vectors
        widths += [self.categories.width] * len(self.categories.ids)
        if self.numeric.form is None:
            drawn = rng.choice([-1.0, 1.0], (self.members, len(widths)))
        else:
            drawn = rng.normal(size=(self.members, len(widths)))
        return np.repeat(drawn, widths, axis=1)
