"""What fitting gives, whatever the family: parameters, and a traceable function from features to predictions."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import jax
import numpy as np

from mlplatform.train.task import Array, Task

Predict = Callable[[Mapping[str, Array], Array, Array], jax.Array]


@dataclass(frozen=True, kw_only=True, eq=False)
class Fitted:
    """A fitted model.

    Attributes:
        task: What it predicts.
        params: Every array that the exported program takes, by name.
        predict: Traceable: params, vectors f32[rows, V] and ids i32[rows, M] to what `Task.predict`
            describes.
        history: One value an epoch or tree of each metric: train_loss, validation_loss, ….
        best: The epoch or tree, from 1, with which it predicts.
        notes: What was done otherwise than asked, and why, a sentence each.
        spent: Steps, device_hours and the like.
        stopped_by: The budget that ended it, in words; empty where it ended by itself.
        devices: How many shared each batch.
        precision: Of products in training.
    """

    task: Task
    params: Mapping[str, np.ndarray]
    predict: Predict
    history: Mapping[str, list[float]]
    best: int
    notes: tuple[str, ...] = ()
    spent: Mapping[str, float] = field(default_factory=dict)
    stopped_by: str = ""
    devices: int = 1
    precision: str = "float32"
