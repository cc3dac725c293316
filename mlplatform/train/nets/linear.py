"""Linear models: logistic, softmax or least squares regression."""

from dataclasses import dataclass

import jax
import numpy as np

from mlplatform.train.nets.categories import Categories
from mlplatform.train.nets.layers import dense
from mlplatform.train.nets.net import Initial, Noise, Params
from mlplatform.train.task import Array, Rows


@dataclass(frozen=True)
class LinearNet:
    """A weight for each number and each category, for each output; all begin at zero."""

    vectors: int
    ids: tuple[int, ...]
    outputs: int

    def init(self, seed: int, rows: Rows) -> Initial:
        """Return zeros: the loss is convex, and from anywhere the same optimum is found."""
        shapes = {
            "embedding": (sum(self.ids), self.outputs),
            "output.weight": (self.vectors, self.outputs),
            "output.bias": (self.outputs,),
        }
        return Initial({name: np.zeros(of, np.float32) for name, of in shapes.items()}, {})

    def logits(
        self, params: Params, vectors: Array, ids: Array, noise: Noise | None = None
    ) -> jax.Array:
        """Return [rows, 1, outputs]; nothing is dropped."""
        table = Categories(self.ids, self.outputs)
        of_ids = table.embed(params, ids).reshape(ids.shape[0], len(self.ids), self.outputs).sum(1)
        found = dense(vectors, params["output.weight"], params["output.bias"]) + of_ids
        return found[:, None, :]
