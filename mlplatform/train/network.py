"""Fits one network: from settings and rows to a course, and from its outcome to a model."""

import hashlib
from collections.abc import Callable
from dataclasses import asdict

import jax
import numpy as np

from mlplatform.errors import TrainingError
from mlplatform.spec import Pipeline
from mlplatform.spec.families import Network
from mlplatform.train import optimizers, trainer
from mlplatform.train.around import Around
from mlplatform.train.data import Data
from mlplatform.train.feed import Feed, InMemory
from mlplatform.train.fitted import Fitted
from mlplatform.train.loop import Course, Outcome, run
from mlplatform.train.nets import Net, Params, network
from mlplatform.train.reproducible import streams
from mlplatform.train.task import Array, Scale, Task
from mlplatform.train.trainer import Hyper, Plan, Seeds

SEGMENT_STEPS = 4096  # Steps in one call at most: clocks and signals are looked at between calls.
MEAN, DEVIATION = "label.mean", "label.deviation"
NO_MEMORY = "RESOURCE_EXHAUSTED"


def fit_network(pipeline: Pipeline, data: Data, model: Network, around: Around) -> Fitted:
    """Return `model` fitted to the training rows; equal inputs give equal bits.

    Where the device's memory does not hold a batch, half of it is tried, and a note says so.

    Raises:
        TrainingError: If a setting is unknown, a loss is not finite, or no batch fits.
        PreemptedError: If the process was asked to end.
    """
    optimizers.require(model.optimizer, model.schedule)
    net = network(pipeline, model, data.shape)
    rows = len(data.train.labels)
    batch, notes = min(model.batch_size, rows), ()
    while True:
        try:
            course = prepared(pipeline.name, net, data, model, batch)
            outcome = run(course, around, part=f"{_told(net, model)}:{batch}")
        except jax.errors.JaxRuntimeError as wrong:
            if NO_MEMORY not in str(wrong):
                raise
            if batch == 1:
                raise TrainingError(
                    f"{pipeline.name}: not even one row a batch fits into the device's memory;"
                    " make the model smaller, or set model.input to stream"
                ) from None
            notes = (f"{batch} rows a batch did not fit into memory: trained with {batch // 2}",)
            around.on_note(f"{pipeline.name}: {notes[0]}")
            batch //= 2
        else:
            return fitted(course, outcome, notes)


def prepared(name: str, net: Net, data: Data, model: Network, batch_size: int) -> Course:
    """Return the training of `net` as the settings ask for, with all arrays on the device."""
    plan = plan_of(net, data.shape.task, model, len(data.train.labels), batch_size)
    words = streams(model.seed)
    initial = net.init(words.weights, data.train)
    state = trainer.start(plan, initial.params, initial.fixed, scale_of(data))
    train, validation, state, seeds, hyper = jax.device_put(
        (data.train, data.validation, state, Seeds(words.order, words.dropout), hyper_of(model))
    )
    feed: Feed = InMemory(train)
    return Course(
        name=name, plan=plan, feed=feed, validation=validation, state=state, seeds=seeds,
        hyper=hyper, patience=model.early_stopping,
    )  # fmt: skip


def plan_of(net: Net, task: Task, model: Network, rows: int, batch_size: int) -> Plan:
    """Return the programs of a training on `rows` rows."""
    steps = rows // batch_size
    on_gpu = jax.default_backend() == "gpu"
    return Plan(
        net=net,
        task=task,
        optimizer=model.optimizer,
        schedule=model.schedule,
        epochs=model.epochs,
        steps=steps - steps % -(-steps // SEGMENT_STEPS),
        segments=-(-steps // SEGMENT_STEPS),
        batch_size=batch_size,
        averaged=model.average > 0,
        clipped=model.gradient_clip is not None,
        bfloat16=model.precision == "bfloat16" or (model.precision == "auto" and on_gpu),
    )


def hyper_of(model: Network) -> Hyper:
    """Return the settings that may differ without compiling again."""
    return Hyper(
        *map(
            np.float32,
            (
                model.learning_rate,
                model.weight_decay,
                getattr(model, "dropout", 0.0),
                model.label_smoothing,
                model.warmup_epochs,
                model.average,
                model.gradient_clip or np.inf,
            ),
        )
    )


def scale_of(data: Data) -> Scale:
    """Return mean and standard deviation of a regression's training labels, by weight."""
    if data.shape.task.kind != "regression":
        return Scale(np.float32(0), np.float32(1))
    labels = np.asarray(data.train.labels, np.float64)
    mean = np.average(labels, weights=data.train.weights)
    variance = np.average((labels - mean) ** 2, weights=data.train.weights)
    return Scale(np.float32(mean), np.float32(np.sqrt(variance) or 1))


def fitted(course: Course, outcome: Outcome, notes: tuple[str, ...] = ()) -> Fitted:
    """Return the model that a training came to."""
    params = {**outcome.params, **outcome.fixed}
    if course.plan.task.kind == "regression":
        params |= {MEAN: outcome.scale.mean, DEVIATION: outcome.scale.deviation}
    return Fitted(
        task=course.plan.task,
        params=params,
        predict=predictor(course.plan.net, course.plan.task),
        history=outcome.history,
        best=outcome.best,
        notes=(*notes, *outcome.notes),
        spent=asdict(outcome.spent),
        stopped_by=outcome.stopped_by,
        devices=course.devices,
        precision="bfloat16" if course.plan.bfloat16 else "float32",
    )


def predictor(net: Net, task: Task) -> Callable[[Params, Array, Array], jax.Array]:
    """Return the function from parameters and features to predictions, in float32."""

    def predict(params: Params, vectors: Array, ids: Array) -> jax.Array:
        scale = Scale(params.get(MEAN, np.float32(0)), params.get(DEVIATION, np.float32(1)))
        return task.predict(net.logits(params, vectors, ids), scale)

    return predict


def _told(net: Net, model: Network) -> str:
    """Return what decides a training beside its rows."""
    said = f"{net!r}:{model.model_dump_json(exclude={'gpu'})}"
    return hashlib.sha256(said.encode()).hexdigest()
