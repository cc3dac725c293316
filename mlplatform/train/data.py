"""A feature table to arrays, refusing what cannot be learnt from."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mlplatform.errors import TrainingError
from mlplatform.features.encoder import Encoder
from mlplatform.features.table import arrays
from mlplatform.spec import Pipeline
from mlplatform.spec.label import Label
from mlplatform.train.task import Rows, Task


@dataclass(frozen=True)
class Shape:
    """What a network is built for; hashable.

    Attributes:
        vectors: Float features a row.
        ids: Number of ids of each id feature.
        task: What is predicted.
    """

    vectors: int
    ids: tuple[int, ...]
    task: Task


@dataclass(frozen=True, eq=False)
class Data:
    """Training and validation rows on the host; test rows never come here."""

    shape: Shape
    train: Rows
    validation: Rows


def prepare(pipeline: Pipeline, features: pa.Table, encoder: Encoder) -> Data:
    """Return the training and validation rows of a `features` table.

    Raises:
        TrainingError: If a part has no rows, training rows lack a class or all have one label, or
            no feature tells two of them apart.
        FeatureError: If the table was built with other features.
    """
    task = Task.of(pipeline.spec.label)
    train = _part(pipeline, features, encoder, "train")
    validation = _part(pipeline, features, encoder, "validation")
    _require_every_class(pipeline, train.labels)
    columns = (*train.vectors.T, *train.ids.T)
    if all((column == column[0]).all() for column in columns):
        raise TrainingError(
            f"{pipeline.name}: every feature is constant over the {len(train.labels)} training rows;"
            " nothing can be learnt from them"
        )
    shape = Shape(train.vectors.shape[1], encoder.id_sizes, task)
    return Data(shape, train, validation)


def _part(pipeline: Pipeline, features: pa.Table, encoder: Encoder, name: str) -> Rows:
    rows = Rows(*arrays(features.filter(pc.equal(features.column("part"), name)), encoder))
    if not len(rows.labels):
        raise TrainingError(f"{pipeline.name}: no {name} rows; see `split` in its defs.yaml")
    if not rows.weights.any():
        weight = pipeline.spec.label.weight
        raise TrainingError(f"{pipeline.name}: no {name} row has a {weight!r} above 0")
    values = np.unique(rows.labels)
    if len(values) == 1:
        raise TrainingError(
            f"{pipeline.name}: all {len(rows.labels)} {name} rows are of"
            f" {_named(pipeline.spec.label, values[0])}; two are needed"
        )
    return rows


def _require_every_class(pipeline: Pipeline, labels: np.ndarray) -> None:
    """Refuse a class that no training row has: it could never be predicted, whatever the test holds."""
    classes = pipeline.spec.label.classes
    absent = sorted(set(range(len(classes))) - set(np.unique(labels).tolist()))
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
