"""Training as XLA programs: a segment of an epoch is one scan over batches, and nothing leaves the device.

Everything here is pure and traceable. `segment` draws its batches from rows that lie on the device,
`window` is handed them; `judge` measures held-out rows and keeps the best parameters. All donate the
state they are given.
"""

from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple, TypeVar

import jax
import jax.numpy as jnp
import numpy as np
import optax  # type: ignore[import-untyped] # Optax ships no types.
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from mlplatform.train import optimizers
from mlplatform.train.measure import measure
from mlplatform.train.nets.net import Net, Noise, Params
from mlplatform.train.order import permutation, stream
from mlplatform.train.task import Number, Rows, Scale, Task

AXIS = "data"  # Of a mesh: batches are dealt out along it.
Tree = TypeVar("Tree")
JUDGED = 16_384  # Held-out rows in one product: more would only take memory.


class Hyper(NamedTuple):
    """f32 numbers that may differ between trainings without compiling again."""

    learning_rate: Number
    weight_decay: Number
    dropout: Number
    label_smoothing: Number
    warmup_epochs: Number
    average: Number
    gradient_clip: Number


class Seeds(NamedTuple):
    """A u32 word for each use of chance while training."""

    order: Number
    dropout: Number


@dataclass(frozen=True)
class Plan:
    """Everything that makes another program.

    Attributes:
        net: The network.
        task: What it is fitted to.
        optimizer: By its name in optax.
        schedule: By its name in optax.
        epochs: Over which the schedule runs.
        steps: Batches an epoch.
        segments: Equal parts of an epoch, each one call.
        batch_size: Rows a step.
        averaged: Whether a moving average of the parameters is what predicts.
        clipped: Whether gradients are clipped.
        noisy: Whether a step draws noise: a tenth of the time of a small network.
        bfloat16: Whether products are computed in bfloat16.
        mesh: Devices that share each batch; None is one device.
    """

    net: Net
    task: Task
    optimizer: str
    schedule: str
    epochs: int
    steps: int
    segments: int
    batch_size: int
    averaged: bool = False
    clipped: bool = False
    noisy: bool = True
    bfloat16: bool = False
    mesh: Mesh | None = None

    @property
    def segment_steps(self) -> int:
        """Steps of one segment."""
        return self.steps // self.segments


class State(NamedTuple):
    """All of a training but its rows and settings.

    Attributes:
        params: What gradients move.
        fixed: Arrays of the network that they do not.
        scale: Of a regression's labels.
        optimizer: Optax's state.
        average: The moving average of `params`; empty without one.
        best: The parameters with the least validation loss so far.
        least: That loss.
        step: i32, steps taken.
    """

    params: Params
    fixed: Params
    scale: Scale
    optimizer: Any
    average: Params
    best: Params
    least: Number
    step: Number


class Taken(NamedTuple):
    """What steps tell: their mean loss, and the largest norm of their gradients."""

    loss: jax.Array
    norm: jax.Array


def start(plan: Plan, params: Params, fixed: Params, scale: Scale) -> State:
    """Return the state before the first step, on the host; buffers are never shared."""
    return State(
        params=params,
        fixed=fixed,
        scale=scale,
        optimizer=optimizers.first(plan.optimizer, params),
        average=jax.tree.map(np.copy, params) if plan.averaged else {},
        best=jax.tree.map(np.copy, params),
        least=np.float32(np.inf),
        step=np.int32(0),
    )


@partial(jax.jit, static_argnames=("plan", "count"), donate_argnames="state")
def segment(
    state: State,
    rows: Rows,
    seeds: Seeds,
    hyper: Hyper,
    *,
    plan: Plan,
    count: int | None = None,
    order: jax.Array | None = None,
) -> tuple[State, Taken]:
    """Take the next steps on rows that lie on the device: whole batches of the epoch's permutation.

    The few rows left over in an epoch are others in the next.

    Args:
        state: Of the training; donated.
        rows: All training rows.
        seeds: For each use of chance.
        hyper: Settings.
        plan: The program.
        count: Steps to take, if not the whole segment.
        order: What `epoch_order` gave for this epoch; drawn again if left out.
    """
    return take_segment(state, rows, seeds, hyper, plan, count, order)


@partial(jax.jit, static_argnames="plan")
def epoch_order(state: State, rows: Rows, seeds: Seeds, *, plan: Plan) -> jax.Array:
    """Return the row numbers in the order of the epoch that the state is in: a sort, so once is enough."""
    return _order(state, rows, seeds, plan)


@partial(jax.jit, static_argnames="plan", donate_argnames="state")
def window(
    state: State, batches: Rows, seeds: Seeds, hyper: Hyper, *, plan: Plan
) -> tuple[State, Taken]:
    """Take a step for each of `batches`, whose arrays have the shape [steps, batch, …]."""

    def update(state: State, batch: Rows) -> tuple[State, Taken]:
        return _update(state, batch, seeds, hyper, plan)

    return _summed(jax.lax.scan(update, state, batches))


@partial(jax.jit, static_argnames="plan", donate_argnames="state")
def judge(state: State, rows: Rows, *, plan: Plan) -> tuple[State, dict[str, jax.Array]]:
    """Measure held-out rows, and keep the parameters if none before had a smaller loss."""
    return judge_state(state, rows, plan)


def take_segment(
    state: State,
    rows: Rows,
    seeds: Seeds,
    hyper: Hyper,
    plan: Plan,
    count: int | None = None,
    order: jax.Array | None = None,
) -> tuple[State, Taken]:
    """Return what `segment` does, to be traced with others."""
    if order is None:
        order = _order(state, rows, seeds, plan)
    first = (jnp.asarray(state.step) % plan.steps) * plan.batch_size
    rows_taken = (count or plan.segment_steps) * plan.batch_size
    mine = jax.lax.dynamic_slice(order, (first,), (rows_taken,))

    def update(state: State, batch: jax.Array) -> tuple[State, Taken]:
        return _update(state, jax.tree.map(lambda a: a[batch], rows), seeds, hyper, plan)

    return _summed(jax.lax.scan(update, state, mine.reshape(-1, plan.batch_size)))


def judge_state(state: State, rows: Rows, plan: Plan) -> tuple[State, dict[str, jax.Array]]:
    """Return what `judge` does, to be traced with others."""
    params = state.average if plan.averaged else state.params
    measured = measure(plan.task, predict_rows(plan, state, params, rows), rows)
    better = measured["loss"] < state.least
    best = jax.tree.map(lambda new, old: jnp.where(better, new, old), params, state.best)
    least = jnp.where(better, measured["loss"], state.least)
    return state._replace(best=best, least=least), measured


def predict_rows(plan: Plan, state: State, params: Params, rows: Rows) -> jax.Array:
    """Return what `params` predict of rows, a part of them at a time."""

    def some(features: tuple[jax.Array, jax.Array]) -> jax.Array:
        if plan.mesh is not None and features[0].shape[0] % plan.mesh.size == 0:
            features = _placed(features, plan, AXIS)
        logits = plan.net.logits({**params, **state.fixed}, *features)
        return _placed(plan.task.predict(logits, state.scale), plan)

    features = (jnp.asarray(rows.vectors), jnp.asarray(rows.ids))
    count = features[0].shape[0]
    if count <= JUDGED:
        return some(features)
    whole = count - count % JUDGED
    head = jax.tree.map(lambda a: a[:whole].reshape(-1, JUDGED, *a.shape[1:]), features)
    parts: jax.Array = jax.lax.map(some, head)
    found = parts.reshape(whole, *parts.shape[2:])
    if whole == count:
        return found
    return jnp.concatenate([found, some(jax.tree.map(lambda a: a[whole:], features))])


def _order(state: State, rows: Rows, seeds: Seeds, plan: Plan) -> jax.Array:
    epoch = jnp.asarray(state.step) // plan.steps
    return permutation(stream(seeds.order, epoch), rows.labels.shape[0])


def _update(
    state: State, batch: Rows, seeds: Seeds, hyper: Hyper, plan: Plan
) -> tuple[State, Taken]:
    batch = _placed(batch, plan, AXIS)
    noise = Noise(stream(seeds.dropout, state.step), hyper.dropout) if plan.noisy else None

    def mean_loss(params: Params) -> jax.Array:
        used = jax.tree.map(lambda p: p.astype(jnp.bfloat16), params) if plan.bfloat16 else params
        logits = plan.net.logits({**used, **state.fixed}, batch.vectors, batch.ids, noise)
        logits = logits.astype(jnp.float32)
        each = plan.task.loss(logits, batch.labels, state.scale, hyper.label_smoothing)
        return (each * batch.weights).mean()

    loss, slope = jax.value_and_grad(mean_loss)(state.params)
    norm = optax.tree.norm(slope)
    if plan.clipped:
        slope = jax.tree.map(lambda s: s * jnp.minimum(1.0, hyper.gradient_clip / norm), slope)
    total, warmup = plan.steps * plan.epochs, hyper.warmup_epochs * plan.steps
    rate = hyper.learning_rate * optimizers.rate_at(plan.schedule, state.step, total, warmup)
    params, moments = optimizers.step(
        plan.optimizer, slope, state.optimizer, state.params, rate, hyper.weight_decay
    )
    average = state.average
    if plan.averaged:
        # The first parameters are forgotten as fast as there are steps to forget them by.
        taken = jnp.asarray(state.step).astype(jnp.float32) + 1
        decay = jnp.minimum(hyper.average, (1 + taken) / (10 + taken))
        average = optax.incremental_update(params, average, 1 - decay)
    moved = state._replace(params=params, optimizer=moments, average=average, step=state.step + 1)
    return _placed(moved, plan), Taken(loss, norm)


def _placed(arrays: Tree, plan: Plan, *axes: str) -> Tree:
    """Deal the rows of arrays out to the mesh's devices along an axis, or have all of them on each.

    What is computed of dealt out rows and is whole again was summed over the devices.
    """
    if plan.mesh is None:
        return arrays
    where = NamedSharding(plan.mesh, PartitionSpec(*axes))  # type: ignore[no-untyped-call] # JAX leaves it untyped.
    place = partial(jax.lax.with_sharding_constraint, shardings=where)
    found: Tree = jax.tree.map(place, arrays)
    return found


def _summed(scanned: tuple[State, Taken]) -> tuple[State, Taken]:
    state, taken = scanned
    return state, Taken(taken.loss.mean(), taken.norm.max())
