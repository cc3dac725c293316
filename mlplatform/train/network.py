"""Fits one network: from settings and rows to a course, and from its outcome to a model."""

import hashlib
from collections.abc import Callable
from dataclasses import asdict
from functools import cache

import jax
import numpy as np
from jax.sharding import Mesh

from mlplatform.errors import TrainingError
from mlplatform.spec import Pipeline
from mlplatform.spec.families import Custom, Network
from mlplatform.train import mesh, optimizers, together, trainer
from mlplatform.train.around import Around
from mlplatform.train.data import Data
from mlplatform.train.feed import Feed, InMemory
from mlplatform.train.fitted import Fitted
from mlplatform.train.halving import NO_MEMORY, halved
from mlplatform.train.loop import Course, Outcome, run
from mlplatform.train.nets import Net, Params, network
from mlplatform.train.reproducible import Streams, streams
from mlplatform.train.stream import Stream, Streamed, window_steps
from mlplatform.train.task import Array, Scale, Task
from mlplatform.train.trainer import Hyper, Plan, Seeds

SEGMENT_STEPS = 4096  # Steps in one call at most: clocks and signals are looked at between calls.
MEAN, DEVIATION = "label.mean", "label.deviation"


def fit_network(
    pipeline: Pipeline, data: Data | Streamed, model: Network, around: Around
) -> Fitted:
    """Return `model` fitted to the training rows; equal inputs give equal bits.

    Where the device's memory does not hold a batch, half of it is tried, and a note says so.

    Raises:
        TrainingError: If a setting is unknown, a loss is not finite, or no batch fits.
        PreemptedError: If the process was asked to end.
    """
    optimizers.require(model.optimizer, model.schedule)
    net = network(pipeline, model, data.shape)
    shared = mesh.mesh_of(around.devices)
    batch = mesh.even(min(model.batch_size, data.rows), data.rows, shared)
    notes = _evened(model, data, batch, shared)
    while True:
        course = _held(pipeline, net, data, model, batch, shared)
        try:
            outcome = run(course, around, part=f"{_told(net, model, data)}:{batch}")
        except jax.errors.JaxRuntimeError as wrong:
            # Of many processes the others would wait for the next sum over the devices for ever.
            if NO_MEMORY not in str(wrong) or together.count() > 1:
                raise
            batch, note = halved(pipeline.name, batch, data.rows, shared)
            notes = (*notes, note)
            around.on_note(f"{pipeline.name}: {note}")
        else:
            return fitted(course, outcome, notes)


def _held(
    pipeline: Pipeline,
    net: Net,
    data: Data | Streamed,
    model: Network,
    batch: int,
    shared: Mesh | None,
) -> Course:
    """Return a training all of whose arrays the devices' memory holds."""
    try:
        return prepared(pipeline.name, net, data, model, batch, shared)
    except jax.errors.JaxRuntimeError as wrong:
        if NO_MEMORY not in str(wrong):
            raise
        raise TrainingError(
            f"{pipeline.name}: {data.rows:,} rows and the network do not fit into a device's memory;"
            " set model.input to stream, or make the model smaller"
        ) from None


def prepared(
    name: str,
    net: Net,
    data: Data | Streamed,
    model: Network,
    batch_size: int,
    shared: Mesh | None = None,
) -> Course:
    """Return the training of `net` as the settings ask for, with all arrays on the devices of `shared`."""
    most = SEGMENT_STEPS
    if isinstance(data, Streamed):
        most = min(most, window_steps(data.shape, batch_size))
    plan = plan_of(net, data.shape.task, model, data.rows, batch_size, most, shared)
    words = streams(model.seed)
    initial = net.init(int(words.weights), data.sample)
    state = trainer.start(plan, initial.params, initial.fixed, data.scale)
    validation, state, seeds, hyper = mesh.replicated(
        (data.validation, state, Seeds(words.order, words.dropout), hyper_of(model)), shared
    )
    return Course(
        name=name, plan=plan, feed=_feed(data, words, shared), validation=validation, state=state, seeds=seeds,
        hyper=hyper, patience=model.early_stopping, devices=mesh.size(shared),
    )  # fmt: skip


def _feed(data: Data | Streamed, words: Streams, shared: Mesh | None) -> Feed:
    if isinstance(data, Streamed):
        return Stream(data, words)
    return InMemory(mesh.replicated(data.train, shared))


def plan_of(
    net: Net,
    task: Task,
    model: Network,
    rows: int,
    batch_size: int,
    most: int = SEGMENT_STEPS,
    shared: Mesh | None = None,
) -> Plan:
    """Return the programs of a training on `rows` rows, of `most` steps a call."""
    steps = rows // batch_size
    segments = segments_of(steps, most)
    on_gpu = jax.default_backend() == "gpu"
    return Plan(
        net=net,
        task=task,
        optimizer=model.optimizer,
        schedule=model.schedule,
        epochs=model.epochs,
        steps=steps - steps % segments,
        segments=segments,
        batch_size=batch_size,
        averaged=model.average > 0,
        clipped=model.gradient_clip is not None,
        noisy=isinstance(model, Custom) or getattr(model, "dropout", 0.0) > 0,
        bfloat16=model.precision == "bfloat16" or (model.precision == "auto" and on_gpu),
        mesh=shared,
    )


def segments_of(steps: int, most: int) -> int:
    """Return into how many equal segments of at most `most` steps an epoch is cut.

    Steps that are left over are not taken: of the numbers up to twice the least, the one that leaves
    the fewest.
    """
    least = -(-steps // most)
    return min(range(least, 2 * least + 1), key=lambda segments: (steps % segments, segments))


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


def fitted(course: Course, outcome: Outcome, notes: tuple[str, ...] = ()) -> Fitted:
    """Return the model that a training came to."""
    params = {**outcome.params, **outcome.fixed}
    if course.plan.task.kind == "regression":
        params |= {
            MEAN: np.asarray(outcome.scale.mean),
            DEVIATION: np.asarray(outcome.scale.deviation),
        }
    return Fitted(
        task=course.plan.task,
        params=params,
        predict=predictor(course.plan.net, course.plan.task),
        history=outcome.history,
        best=outcome.best,
        notes=notes,
        spent=asdict(outcome.spent),
        stopped_by=outcome.stopped_by,
        devices=course.devices,
        precision="bfloat16" if course.plan.bfloat16 else "float32",
    )


@cache
def predictor(net: Net, task: Task) -> Callable[[Params, Array, Array], jax.Array]:
    """Return the function from parameters and features to predictions, in float32.

    The same for equal networks, so that models of one shape predict by one compiled program.
    """

    def predict(params: Params, vectors: Array, ids: Array) -> jax.Array:
        scale = Scale(params.get(MEAN, np.float32(0)), params.get(DEVIATION, np.float32(1)))
        return task.predict(net.logits(params, vectors, ids), scale)

    return predict


def _told(net: Net, model: Network, data: Data | Streamed) -> str:
    """Return what decides a training beside its rows."""
    order = "streamed" if isinstance(data, Streamed) else "in memory"
    said = f"{net!r}:{model.model_dump_json(exclude={'gpu'})}:{order}"
    return hashlib.sha256(said.encode()).hexdigest()


def _evened(
    model: Network, data: Data | Streamed, batch: int, shared: Mesh | None
) -> tuple[str, ...]:
    """Return what is to be noted before the first step."""
    notes = data.notes if isinstance(data, Streamed) else ()
    if batch == min(model.batch_size, data.rows):
        return notes
    asked, devices = model.batch_size, mesh.size(shared)
    return (*notes, f"{asked} rows a batch cannot be shared by {devices} devices: {batch} are")
