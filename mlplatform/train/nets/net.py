"""What every network is."""

from collections.abc import Hashable, Mapping
from typing import NamedTuple, Protocol

import jax
import numpy as np

from mlplatform.train.task import Array, Number, Rows

Params = Mapping[str, Array]


class Initial(NamedTuple):
    """Arrays by name: those that training moves, and those that it leaves as they are."""

    params: dict[str, np.ndarray]
    fixed: dict[str, np.ndarray]


class Noise(NamedTuple):
    """What dropout draws from while training: a random key, and the share of units to drop."""

    key: jax.Array
    share: Number


class Net(Hashable, Protocol):
    """The shape of one network; hashable, so that equal shapes share one compiled program."""

    def init(self, seed: int, rows: Rows) -> Initial:
        """Return the first parameters. NumPy draws them: the same on every backend.

        Args:
            seed: A u32 word.
            rows: The training rows on the host, or a sample of them where they stream.
        """
        ...

    def logits(
        self, params: Params, vectors: Array, ids: Array, noise: Noise | None = None
    ) -> jax.Array:
        """Return [rows, members, outputs]: log odds, or numbers in standard deviations of the label.

        Args:
            params: Both kinds of `Initial` together. Products are computed in the type of the
                weights.
            vectors: f32[rows, V].
            ids: i32[rows, M].
            noise: Given while training.
        """
        ...
