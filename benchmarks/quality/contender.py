"""What takes part: something that proposes settings, is fitted with them, and predicts."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import optuna
import pyarrow as pa

from benchmarks.tables import BenchTable, Parts

Settings = dict[str, Any]
Predict = Callable[[pa.Table], np.ndarray]


@dataclass(frozen=True)
class Problem:
    """A table, loaded. Contenders may look at `parts.train` and `parts.validation`."""

    table: BenchTable
    parts: Parts

    @cached_property
    def classes(self) -> list[str]:
        """The values of a class label, in order."""
        return sorted(set(self.parts.train[self.table.label].to_pylist()))

    def labels(self, rows: pa.Table) -> np.ndarray:
        """Return 0 and 1, classes by number, or numbers."""
        column = rows[self.table.label]
        if self.table.task == "regression":
            return np.asarray(column.to_numpy(), float)
        places = {name: at for at, name in enumerate(self.classes)}
        return np.array([places[name] for name in column.to_pylist()])


class Contender(ABC):
    """One way to make a model of a table. Its first proposal is its defaults."""

    name: str
    defaults: Settings

    @abstractmethod
    def propose(self, trial: optuna.Trial, problem: Problem) -> Settings:
        """Return settings to try."""

    @abstractmethod
    def fit(self, problem: Problem, settings: Settings, seed: int) -> Predict:
        """Return what predicts, fitted on training rows and stopped by validation rows."""
