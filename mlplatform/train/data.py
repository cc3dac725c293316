"""A feature table to arrays, refusing what cannot be learnt from."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mlplatform.errors import TrainingError
from mlplatform.features.encoder import Encoder
from mlplatform.features.table import PART, arrays
from mlplatform.ingest.split import TRAIN, VALIDATION
from mlplatform.spec import Pipeline
from mlplatform.spec.label import Label
from mlplatform.train.task import Rows, Scale, Shape, Task

STEPS = 64  # Values of float32 within a standard deviation of the label, at least.


@dataclass(frozen=True, eq=False)
class Data:
    """Training and validation rows on the host; test rows never come here."""

    shape: Shape
    train: Rows
    validation: Rows

    @property
    def rows(self) -> int:
        """Training rows."""
        return len(self.train.labels)

    @property
    def sample(self) -> Rows:
        """The training rows that first parameters are drawn by: here all."""
        return self.train

    @property
    def scale(self) -> Scale:
        """Mean and standard deviation of a regression's training labels, by weight."""
        if self.shape.task.kind != "regression":
            return Scale(np.float32(0), np.float32(1))
        labels = np.asarray(self.train.labels, np.float64)
        mean = np.average(labels, weights=self.train.weights)
        variance = np.average((labels - mean) ** 2, weights=self.train.weights)
        return Scale(np.float32(mean), np.float32(np.sqrt(variance) or 1))


def prepare(pipeline: Pipeline, features: pa.Table, encoder: Encoder) -> Data:
    """Return the training and validation rows of a `features` table.

    Raises:
        TrainingError: If a part has no rows, training rows lack a class or all have one label, or
            no feature tells two of them apart.
        FeatureError: If the table was built with other features.
    """
    task = Task.of(pipeline.spec.label)
    train = _part(pipeline, features, encoder, TRAIN)
    validation = _part(pipeline, features, encoder, VALIDATION)
    columns = (*train.vectors.T, *train.ids.T)
    if all((column == column[0]).all() for column in columns):
        raise no_difference(pipeline, len(train.labels))
    shape = Shape(train.vectors.shape[1], encoder.id_sizes, task)
    data = Data(shape, train, validation)
    require_precision(pipeline, data.scale)
    return data


def require(
    pipeline: Pipeline, part: str, rows: int, values: np.ndarray, *, weighed: bool = True
) -> None:
    """Refuse a part of the rows that cannot teach, or cannot judge.

    Args:
        pipeline: For messages.
        part: Its name.
        rows: How many it has.
        values: The classes of its labels, or numbers, at least two where not all are equal.
        weighed: Whether any row has a weight above 0.

    Raises:
        TrainingError: If it has no rows, none that weighs anything, or all have one label, or
            training rows lack a class.
    """
    if not rows:
        raise TrainingError(f"{pipeline.name}: no {part} rows; see `split` in its defs.yaml")
    if not weighed:
        weight = pipeline.spec.label.weight
        raise TrainingError(f"{pipeline.name}: no {part} row has a {weight!r} above 0")
    if len(values) == 1:
        raise TrainingError(
            f"{pipeline.name}: all {rows} {part} rows are of"
            f" {_named(pipeline.spec.label, values[0])}; two are needed"
        )
    if part == TRAIN:
        _require_every_class(pipeline, values)


def require_precision(pipeline: Pipeline, scale: Scale) -> None:
    """Refuse numbers of which float32, in which labels are kept, tells too few apart.

    Raises:
        TrainingError: If a standard deviation is fewer than `STEPS` float32 wide.
    """
    mean, deviation = float(scale.mean), float(scale.deviation)
    if deviation < STEPS * float(np.spacing(np.float32(abs(mean)))):
        raise TrainingError(
            f"{pipeline.name}: the label varies by {deviation:g} around {mean:g}, which float32 cannot"
            " tell apart; take a constant off it"
        )


def no_difference(pipeline: Pipeline, rows: int) -> TrainingError:
    """Return what to raise where all features of the training rows are constant."""
    return TrainingError(
        f"{pipeline.name}: every feature is constant over the {rows} training rows;"
        " nothing can be learnt from them"
    )


def _part(pipeline: Pipeline, features: pa.Table, encoder: Encoder, name: str) -> Rows:
    rows = Rows(*arrays(features.filter(pc.equal(features.column(PART), name)), encoder))
    weighed = bool(rows.weights.any())
    counted = rows.labels[rows.weights > 0] if weighed else rows.labels
    require(pipeline, name, len(rows.labels), np.unique(counted), weighed=weighed)
    return rows


def _require_every_class(pipeline: Pipeline, values: np.ndarray) -> None:
    """Refuse a class that no training row has: it could never be predicted, whatever the test holds."""
    classes = pipeline.spec.label.classes
    absent = sorted(set(range(len(classes))) - set(values.tolist()))
    if absent:
        named = ", ".join(repr(classes[at]) for at in absent)
        raise TrainingError(
            f"{pipeline.name}: no training row is of the class {named}; drop it from label.classes,"
            " or split so that it trains"
        )


def _named(label: Label, value: float) -> str:
    if label.task == "regression":
        return f"the label {value:g}"
    if label.task == "multiclass":
        return f"class {label.classes[int(value)]!r}"
    return f"class {int(value)} (label.positive is {label.positive!r})"
