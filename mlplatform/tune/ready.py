"""What must be right before the first trial, and cannot be known when a spec is read: it takes JAX, or the rows."""

from mlplatform.errors import SpecError, TrainingError
from mlplatform.features.encoder import Encoder
from mlplatform.lake import Lake, Version
from mlplatform.spec import Pipeline
from mlplatform.spec.families import Network
from mlplatform.spec.space import section_of, space_of
from mlplatform.train import load as of_training
from mlplatform.train import optimizers
from mlplatform.train.data import Data
from mlplatform.train.stream import Streamed, row_bytes
from mlplatform.train.task import Shape, Task

GIGABYTE = 1e9


def load(pipeline: Pipeline, lake: Lake, features: Version, encoder: Encoder) -> Data:
    """Return the training and validation rows of a features version, all of them in memory.

    Raises:
        TrainingError: If a training would stream them, or there is nothing to learn from.
        FeatureError: If the table was built with other features.
    """
    model = pipeline.spec.model
    shape = Shape(len(encoder.vector_names), encoder.id_sizes, Task.of(pipeline.spec.label))
    size = features.rows * row_bytes(shape)
    data = (
        None
        if of_training.streams(model, size)
        else of_training.load(pipeline, lake, features, encoder, model)
    )
    if data is None or isinstance(data, Streamed):
        raise TrainingError(
            f"{pipeline.name}: {size / GIGABYTE:.3g} GB of rows are so much of the memory that a training"
            " streams them, and a study cannot; set tuning.trials to 0, or model.input to memory"
        )
    return data


def require_known(pipeline: Pipeline) -> None:
    """Return if every optimiser and schedule that is to be tried is one.

    Raises:
        SpecError: Naming the field, and all that are known.
    """
    model = pipeline.spec.model
    known = {"optimizer": optimizers.optimizers(), "schedule": tuple(optimizers.SCHEDULES)}
    for path, values in space_of(model, pipeline.spec.tuning).items():
        field = path.rpartition(".")[2]
        if field not in known or not isinstance(section_of(model, path), Network):
            continue
        for choice in values.choices or ():
            if choice not in known[field]:
                raise SpecError(
                    f"{pipeline.folder / 'defs.yaml'}: tuning.space.{path}: {choice!r} is unknown;"
                    f" known: {', '.join(known[field])}"
                )
