"""A multilayer perceptron over feature vectors and category embeddings."""

from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np

from mlplatform.train.nets.categories import Categories
from mlplatform.train.nets.layers import Dropout, dense, he
from mlplatform.train.nets.net import Initial, Noise, Params
from mlplatform.train.nets.numeric import Numeric
from mlplatform.train.task import Array, Rows


@dataclass(frozen=True)
class MlpNet:
    """Rectified layers of `hidden` units, with dropout behind each."""

    numeric: Numeric
    categories: Categories
    hidden: tuple[int, ...]
    outputs: int

    def init(self, seed: int, rows: Rows) -> Initial:
        """Return f32 parameters by name: He et al. (2015) for the layers, zero for biases."""
        rng = np.random.default_rng(seed)
        params = self.categories.init(rng, np.asarray(rows.ids))
        embedded = self.numeric.init(rng, np.asarray(rows.vectors))
        width = self.numeric.size + self.categories.size
        for at, units in enumerate((*self.hidden, self.outputs)):
            layer = self._layer(at)
            params[f"{layer}.weight"] = he(rng, width, units)
            params[f"{layer}.bias"] = np.zeros(units, np.float32)
            width = units
        return Initial(params | embedded.params, embedded.fixed)

    def logits(
        self, params: Params, vectors: Array, ids: Array, noise: Noise | None = None
    ) -> jax.Array:
        """Return [rows, 1, outputs]."""
        numbers = self.numeric.embed(params, vectors)
        of_ids = self.categories.embed(params, ids)
        out = jnp.concatenate([numbers.astype(of_ids.dtype), of_ids], axis=1)
        dropout = Dropout(noise, ids.shape[0], sum(self.hidden))
        for at in range(len(self.hidden)):
            layer = self._layer(at)
            out = dense(out, params[f"{layer}.weight"], params[f"{layer}.bias"])
            out = dropout(jax.nn.relu(out))
        return dense(out, params["output.weight"], params["output.bias"])[:, None, :]

    def _layer(self, at: int) -> str:
        return f"hidden.{at}" if at < len(self.hidden) else "output"
