"""What a model predicts of a row: a probability, one for each class, a number, or quantiles of one."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlplatform.spec.label import Kind, Label

NAMES: dict[Kind, str] = {
    "binary": "probability",
    "multiclass": "probabilities",
    "regression": "prediction",
}
QUANTILES = "quantiles"
OUTPUTS = (*NAMES.values(), QUANTILES)  # Every name that a model's first output may have.
WHOLE = 1e-3  # That the probabilities of a row may lack of 1: f32 sums of thousands of classes.


@dataclass(frozen=True)
class Predicts:
    """What one model says of each row.

    Attributes:
        task: As the spec's `label.task`.
        classes: Of `multiclass`, in the order of the probabilities.
        quantiles: Of `regression`, rising; without any it is the mean that is predicted.
    """

    task: Kind = "binary"
    classes: tuple[str, ...] = ()
    quantiles: tuple[float, ...] = ()

    @staticmethod
    def of(label: Label) -> "Predicts":
        """Return what a spec's label asks for."""
        return Predicts(label.task, tuple(label.classes), tuple(label.quantiles))

    @property
    def name(self) -> str:
        """The name of the output: probability, probabilities, prediction or quantiles."""
        return QUANTILES if self.quantiles else NAMES[self.task]

    @property
    def metric(self) -> str:
        """The name of the loss on held-out rows: log_loss in nats, rmse or pinball in the label's unit."""
        if self.task != "regression":
            return "log_loss"
        return "pinball" if self.quantiles else "rmse"

    @property
    def width(self) -> tuple[int, ...]:
        """The shape of one row's answer: () for a single number."""
        several = len(self.classes) or len(self.quantiles)
        return (several,) if several else ()

    @property
    def columns(self) -> tuple[str, ...]:
        """A name for each number of an answer, as in a table: `probability_<class>`, `quantile_0.9`."""
        if self.classes:
            return tuple(f"probability_{name}" for name in self.classes)
        return tuple(f"quantile_{share:g}" for share in self.quantiles) or (self.name,)

    def __str__(self) -> str:
        several = self.classes or tuple(f"{share:g}" for share in self.quantiles)
        return f"{self.name} ({', '.join(several)})" if several else self.name

    def usable(self, answers: NDArray[np.floating[Any]]) -> NDArray[np.bool_]:
        """Return bool[rows]: whether each row's answer can be one; NaN never is.

        Probabilities lie in [0, 1], and those of all classes make 1; numbers are finite.
        """
        each = answers.reshape(len(answers), -1)
        if self.task == "regression":
            return np.asarray(np.isfinite(each).all(axis=1))
        within = ((each >= 0) & (each <= 1)).all(axis=1)
        if self.task == "binary":
            return np.asarray(within)
        return np.asarray(within & (np.abs(each.sum(axis=1) - 1) <= WHOLE))
