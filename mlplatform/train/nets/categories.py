"""Embeddings of categories: one table for all id features, one look-up a row."""

from dataclasses import dataclass

import jax
import numpy as np

from mlplatform.features.inputs import FIRST
from mlplatform.train.nets.net import Params
from mlplatform.train.task import Array

NAME = "embedding"


@dataclass(frozen=True)
class Categories:
    """`width` numbers for each id of each feature.

    One table holds the rows of all features, one feature after the other: nine tables and nine
    look-ups took three times as long a row.
    """

    ids: tuple[int, ...]
    width: int

    def init(self, rng: np.random.Generator, ids: np.ndarray) -> dict[str, np.ndarray]:
        """Return the table: normal rows of length about one, zero for what no training row has.

        Crosses, hashes and hours have ids that no training row may have, and so have the reserved
        ones; where nothing is learnt, chance would speak.

        Args:
            rng: Draws the rows.
            ids: i32[rows, M] of the training rows.
        """
        tables = [rng.normal(size=(size, self.width)) / np.sqrt(self.width) for size in self.ids]
        for table in tables:
            table[:FIRST] = 0
        table = np.concatenate([np.zeros((0, self.width)), *tables]).astype(np.float32)
        seen = np.zeros(len(table), np.bool_)
        for at, first in enumerate(self._first):
            seen[first + np.unique(ids[:, at])] = True
        return {NAME: np.where(seen[:, None], table, np.float32(0))}

    def embed(self, params: Params, ids: Array) -> jax.Array:
        """Return [rows, features * width]."""
        found: jax.Array = params[NAME][ids + self._first]
        return found.reshape(ids.shape[0], -1)

    @property
    def size(self) -> int:
        """Numbers a row."""
        return self.width * len(self.ids)

    @property
    def _first(self) -> np.ndarray:
        """i32[M]: the row of each feature's first id."""
        return np.cumsum([0, *self.ids], dtype=np.int32)[:-1]
