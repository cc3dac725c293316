"""A feature table to arrays on the device, refusing what cannot be learnt from."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mlplatform.errors import TrainingError
from mlplatform.features.encoder import Encoder
from mlplatform.features.table import arrays
from mlplatform.spec import Pipeline
from mlplatform.train.trainer import Rows


@dataclass(frozen=True)
class Data:
    """Training and validation rows; test rows never come here."""

    train: Rows
    validation: Rows


def prepare(pipeline: Pipeline, features: pa.Table, encoder: Encoder) -> Data:
    """Return the training and validation rows of a `features` table, on the device.

    Raises:
        TrainingError: If a part has no rows or one class only, or no feature tells two training
            rows apart.
        FeatureError: If the table was built with other features.
    """
    import jax

    train = _part(pipeline, features, encoder, "train")
    validation = _part(pipeline, features, encoder, "validation")
    columns = (*train.vectors.T, *train.ids.T)
    if all((column == column[0]).all() for column in columns):
        raise TrainingError(
            f"{pipeline.name}: every feature is constant over the {len(train.labels)} training rows;"
            " nothing can be learnt from them"
        )
    return Data(jax.device_put(train), jax.device_put(validation))


def _part(pipeline: Pipeline, features: pa.Table, encoder: Encoder, name: str) -> Rows:
    rows = Rows(*arrays(features.filter(pc.equal(features.column("part"), name)), encoder))
    if not len(rows.labels):
        raise TrainingError(f"{pipeline.name}: no {name} rows; see `split` in its defs.yaml")
    classes = np.unique(rows.labels)
    if len(classes) == 1:
        raise TrainingError(
            f"{pipeline.name}: all {len(rows.labels)} {name} rows are of class {int(classes[0])};"
            f" two classes are needed (label.positive is {pipeline.spec.label.positive!r})"
        )
    return rows
