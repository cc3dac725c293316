"""Fits the model of a pipeline."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from mlplatform.errors import TrainingError
from mlplatform.features.encoder import Encoder
from mlplatform.spec import Pipeline
from mlplatform.spec.model import Model
from mlplatform.train.data import Data, prepare
from mlplatform.train.mlp import Mlp, mlp
from mlplatform.train.trainer import Curve, Hyper, Seeds, train


@dataclass(frozen=True, kw_only=True)
class Trained:
    """A fitted model: the parameters of its best epoch, by name, and how it got there.

    `history` has one value an epoch: train_loss and validation_loss in nats a row, validation_auc
    and validation_accuracy.
    """

    net: Mlp
    model: Model
    params: Mapping[str, np.ndarray]
    history: Mapping[str, list[float]]

    @property
    def best_epoch(self) -> int:
        """The epoch, from 1, whose parameters were kept: the first with the least validation loss."""
        losses = self.history["validation_loss"]
        return losses.index(min(losses)) + 1

    @property
    def validation(self) -> dict[str, float]:
        """Metrics of the kept parameters on the validation rows: log_loss in nats, auc, accuracy."""
        names = {"log_loss": "loss", "auc": "auc", "accuracy": "accuracy"}
        at = self.best_epoch - 1
        return {name: self.history[f"validation_{kept}"][at] for name, kept in names.items()}

    def summary(self) -> dict[str, float]:
        """Return what a person asks first, as one flat row."""
        metrics = {f"validation_{name}": value for name, value in self.validation.items()}
        sizes = {"parameters": sum(array.size for array in self.params.values())}
        return {"epochs": self.model.epochs, "best_epoch": self.best_epoch, **metrics, **sizes}


def fit(pipeline: Pipeline, features: pa.Table, encoder: Encoder, model: Model) -> Trained:
    """Return `model` fitted to the training rows of a `features` table; equal inputs give equal bits.

    Raises:
        TrainingError: If there is nothing to learn from, or the loss is not finite in some epoch.
        FeatureError: If the table was built with other features.
    """
    return fit_data(pipeline, prepare(pipeline, features, encoder), encoder, model)


def fit_data(pipeline: Pipeline, data: Data, encoder: Encoder, model: Model) -> Trained:
    """Return `model` fitted to prepared rows, so that many fits can share them and one compiled program.

    Raises:
        TrainingError: If a setting is out of range, or the loss is not finite in some epoch.
    """
    import jax

    if model.dropout >= 1:
        raise TrainingError(
            f"{pipeline.name}: model.dropout is {model.dropout}; it must be below 1"
        )
    if model.seed < 0:
        raise TrainingError(f"{pipeline.name}: model.seed is {model.seed}; it must not be negative")
    net = mlp(encoder, model.hidden)
    hyper = Hyper(*map(np.float32, (model.learning_rate, model.weight_decay, model.dropout)))
    start = net.forget(net.init(model.seed), np.asarray(data.train.ids))
    params, curve = train(
        jax.device_put(start),
        data.train,
        data.validation,
        Seeds(*np.random.SeedSequence(model.seed).generate_state(2)),
        hyper,
        net=net,
        epochs=model.epochs,
        batch_size=min(model.batch_size, data.train.labels.shape[0]),
    )
    history = _history(pipeline, model, curve)
    return Trained(net=net, model=model, params=jax.device_get(params), history=history)


def _history(pipeline: Pipeline, model: Model, curve: Curve) -> dict[str, list[float]]:
    history: dict[str, list[float]] = {
        name: np.asarray(values).tolist() for name, values in curve._asdict().items()
    }
    for part in ("train", "validation"):
        for epoch, loss in enumerate(history[f"{part}_loss"], start=1):
            if not math.isfinite(loss):
                raise TrainingError(
                    f"{pipeline.name}: the {part} loss is {loss} in epoch {epoch} of {model.epochs};"
                    f" lower model.learning_rate (it is {model.learning_rate:g})"
                )
    return history
