"""A multilayer perceptron over feature vectors and category embeddings."""

from collections.abc import Mapping
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np

from mlplatform.features.encoder import Encoder
from mlplatform.features.inputs import FIRST

EMBEDDING = 8  # Numbers a category. Twice as many gained under 0.001 AUC on Adult.
STEPS = (
    256  # Dropout compares one random byte a unit: a quarter of the generator's work of 32 bits.
)

Array = jax.Array | np.ndarray
Params = dict[str, jax.Array]


@dataclass(frozen=True)
class Mlp:
    """The shape of one network; hashable, so that equal shapes share one compiled program."""

    vectors: int
    ids: tuple[int, ...]  # Number of ids of each id feature.
    hidden: tuple[int, ...]

    def init(self, seed: int) -> dict[str, np.ndarray]:
        """Return f32 parameters by name: He et al. (2015) for the layers, zero for biases.

        One embedding table holds the rows of all features, one feature after the other. Those of
        the reserved ids start at zero, so an id that no training row has adds nothing when it is
        served (`forget` sees to the others). NumPy draws the rest: the same on every backend.
        """
        rng = np.random.default_rng(seed)
        tables = [rng.normal(size=(size, EMBEDDING)) / np.sqrt(EMBEDDING) for size in self.ids]
        for table in tables:
            table[:FIRST] = 0
        params = {"embedding": np.concatenate([np.zeros((0, EMBEDDING)), *tables])}
        width = self.vectors + EMBEDDING * len(self.ids)
        for at, units in enumerate((*self.hidden, 1)):
            layer = self._layer(at)
            params[f"{layer}.weight"] = rng.normal(size=(width, units)) * np.sqrt(2 / width)
            params[f"{layer}.bias"] = np.zeros(units)
            width = units
        return {name: value.astype(np.float32) for name, value in params.items()}

    def forget(self, params: Mapping[str, np.ndarray], ids: np.ndarray) -> dict[str, np.ndarray]:
        """Return `params` with zero for what stands for an id that none of the rows `ids` (i32[rows, m]) has.

        Crosses, hashes and hours have ids that no training row may have; where nothing is learnt,
        chance would speak.
        """
        seen = np.zeros(len(params["embedding"]), np.bool_)
        for at, first in enumerate(self._first):
            seen[first + np.unique(ids[:, at])] = True
        kept = np.where(seen[:, None], params["embedding"], np.float32(0))
        return {**params, "embedding": kept}

    def logits(
        self,
        params: Mapping[str, Array],
        vectors: Array,
        ids: Array,
        dropout: tuple[jax.Array, Array] | None = None,
    ) -> jax.Array:
        """Return f32[rows] log odds of class 1.

        Args:
            params: As `init` names them.
            vectors: f32[rows, vectors].
            ids: i32[rows, id features].
            dropout: Random key and share of hidden units to drop, while training.
        """
        # One table and one look-up for all features: nine of each took three times as long a row.
        looked_up = params["embedding"][ids + self._first].reshape(ids.shape[0], -1)
        out = jnp.concatenate([vectors, looked_up], axis=1)
        noise = None if dropout is None else random_bytes(dropout[0], len(ids), sum(self.hidden))
        for at, units in enumerate(self.hidden):
            layer = self._layer(at)
            out = jax.nn.relu(out @ params[f"{layer}.weight"] + params[f"{layer}.bias"])
            if noise is not None and dropout is not None:
                used = sum(self.hidden[:at])
                out = drop(out, noise[:, used : used + units], dropout[1])
        return (out @ params["output.weight"] + params["output.bias"])[:, 0]

    @property
    def _first(self) -> np.ndarray:
        """i32[id features]: the row of each feature's first id."""
        return np.cumsum([0, *self.ids], dtype=np.int32)[:-1]

    def _layer(self, at: int) -> str:
        return f"hidden.{at}" if at < len(self.hidden) else "output"


def mlp(encoder: Encoder, hidden: list[int]) -> Mlp:
    """Return the network over `encoder`'s features with `hidden` units a layer."""
    return Mlp(len(encoder.vector_names), encoder.id_sizes, tuple(hidden))


def random_bytes(key: jax.Array, rows: int, width: int) -> jax.Array:
    """Return u8[rows, width], uniform. JAX itself would draw 64 bits for each of them."""
    words = jax.random.bits(key, (rows, -(-width // 4)), jnp.uint32)
    return jax.lax.bitcast_convert_type(words, jnp.uint8).reshape(rows, -1)[:, :width]


def drop(units: jax.Array, noise: jax.Array, share: Array) -> jax.Array:
    """Return `units` with about `share` of them zeroed and the rest scaled up (Srivastava et al. 2014).

    Args:
        units: f32[rows, units].
        noise: u8[rows, units], uniform.
        share: Rounded to a 256th. It may be traced, so one program serves every share.
    """
    threshold = jnp.round(share * STEPS)
    kept = noise.astype(jnp.float32) >= threshold
    return jnp.where(kept, units / (1 - threshold / STEPS), 0)
