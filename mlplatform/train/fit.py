"""Fits the model of a pipeline, whatever its family."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa

from mlplatform.errors import TrainingError
from mlplatform.features.encoder import Encoder
from mlplatform.lake import Lake, Version
from mlplatform.spec import Pipeline
from mlplatform.spec.families import Blend, Custom, Gbdt, Linear, Mlp, Network, TabM
from mlplatform.spec.label import Label
from mlplatform.train.around import Around
from mlplatform.train.blend import fit_blend
from mlplatform.train.budget import less, part_of
from mlplatform.train.calibrate import calibrated, predictions
from mlplatform.train.data import Data, prepare
from mlplatform.train.fitted import Fitted
from mlplatform.train.load import load
from mlplatform.train.measure import measure
from mlplatform.train.network import fit_network
from mlplatform.train.stream import Streamed
from mlplatform.train.trees import fit_trees
from mlplatform.train.weights import weighted

Model = Linear | Mlp | TabM | Custom | Gbdt | Blend


@dataclass(frozen=True, kw_only=True, eq=False)
class Trained:
    """A fitted model of a pipeline.

    Attributes:
        label: What it predicts.
        model: As it was asked for.
        fitted: Parameters, and the function from features to predictions.
        validation: Metrics of its predictions on validation rows, as they will be served: the task's
            own first (log_loss in nats, rmse or pinball), then the others. Calibration was fitted
            on these rows, so what it gained here is more than it gains elsewhere.
        uncalibrated: The same before calibration; None without it.
    """

    label: Label
    model: Model
    fitted: Fitted
    validation: Mapping[str, float]
    uncalibrated: Mapping[str, float] | None = None

    def summary(self) -> dict[str, float | str]:
        """Return what a person asks first, as one flat row."""
        sizes = {"parameters": sum(array.size for array in self.fitted.params.values())}
        return {
            "family": self.model.family,
            "best_epoch": self.fitted.best,
            **{f"validation_{name}": value for name, value in self.validation.items()},
            **{f"uncalibrated_{name}": n for name, n in (self.uncalibrated or {}).items()},
            **sizes,
            "steps": self.fitted.spent.get("steps", 0),
            "stopped_by": self.fitted.stopped_by,
        }


def fit(
    pipeline: Pipeline,
    features: pa.Table,
    encoder: Encoder,
    model: Model,
    around: Around | None = None,
) -> Trained:
    """Return `model` fitted to the training rows of a `features` table; equal inputs give equal bits.

    Raises:
        TrainingError: If there is nothing to learn from, a setting cannot be, or a loss is not
            finite.
        FeatureError: If the table was built with other features.
        PreemptedError: If the process was asked to end; the same call goes on.
    """
    return fit_data(pipeline, prepare(pipeline, features, encoder), model, around)


def fit_version(
    pipeline: Pipeline,
    lake: Lake,
    features: Version,
    encoder: Encoder,
    model: Model,
    around: Around | None = None,
) -> Trained:
    """Return `model` fitted to a version of the `features` table, streamed where `model.input` says so.

    Raises:
        TrainingError: As `fit`.
        FeatureError: As `fit`.
        PreemptedError: As `fit`.
    """
    return fit_data(pipeline, load(pipeline, lake, features, encoder, model), model, around)


def fit_data(
    pipeline: Pipeline, data: Data | Streamed, model: Model, around: Around | None = None
) -> Trained:
    """Return `model` fitted to prepared rows, so that many fits can share them.

    Raises:
        TrainingError: As `fit`.
    """
    raw = _raw(pipeline, data, model, around or Around(on_note=_unsaid))
    before = validated(raw, data)
    if not math.isfinite(before[raw.task.metric]):
        raise TrainingError(
            f"{pipeline.name}: the validation {raw.task.metric} is {before[raw.task.metric]};"
            " the label or a setting is out of float32's range"
        )
    found = calibrated(raw, data.validation, model.calibration)
    return Trained(
        label=pipeline.spec.label,
        model=model,
        fitted=found,
        validation=before if found is raw else validated(found, data),
        uncalibrated=None if found is raw else before,
    )


def validated(fitted: Fitted, data: Data | Streamed) -> dict[str, float]:
    """Return the metrics of a model's predictions on the validation rows."""
    rows = data.validation
    measured = measure(fitted.task, predictions(fitted, rows), rows)
    named = {fitted.task.metric if name == "loss" else name: n for name, n in measured.items()}
    return {name: float(np.asarray(number)) for name, number in named.items()}


def _fitted(pipeline: Pipeline, data: Data | Streamed, model: Model, around: Around) -> Fitted:
    raw = _raw(pipeline, data, model, around)
    return calibrated(raw, data.validation, model.calibration)


def _raw(pipeline: Pipeline, data: Data | Streamed, model: Model, around: Around) -> Fitted:
    """Return a fitted model that is not calibrated, though a blend's members may be."""
    if isinstance(model, Blend):
        members = _members(pipeline, data, model, around)
        return _together(fit_blend(members, data, model.weights, data.shape.task), members)
    if isinstance(model, Network):
        return fit_network(pipeline, weighted(data, pipeline.spec.label, model), model, around)
    return fit_trees(pipeline, weighted(data, pipeline.spec.label, model), model, around)


def _members(
    pipeline: Pipeline, data: Data | Streamed, model: Blend, around: Around
) -> dict[str, Fitted]:
    """Return the fitted members; each may use an equal part of what those before it left."""
    members: dict[str, Fitted] = {}
    left = around.budget
    for at, (name, member) in enumerate(model.members.items()):
        budget = part_of(left, 1 / (len(model.members) - at))
        near = replace(around.of(name), budget=budget)
        members[name] = _fitted(pipeline, data, member, near)
        left = less(left, members[name].spent)
    return members


def _together(blend: Fitted, members: Mapping[str, Fitted]) -> Fitted:
    """Return a blend that says what its members say of how they were trained."""
    names = {name for member in members.values() for name in member.spent}
    spent = {n: sum(member.spent.get(n, 0) for member in members.values()) for n in sorted(names)}
    stopped = [
        f"{name}, of its part: {m.stopped_by}" for name, m in members.items() if m.stopped_by
    ]
    notes = tuple(f"{name}: {note}" for name, m in members.items() for note in m.notes)
    return replace(blend, spent=spent, stopped_by="; ".join(stopped), notes=(*blend.notes, *notes))


def _unsaid(sentence: str) -> None:
    """Tell nobody: who asked for no surroundings reads the notes of the model."""
