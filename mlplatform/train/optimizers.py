"""Optimisers and schedules by their names in optax."""

import inspect
from collections.abc import Callable
from functools import cache
from typing import Any

import jax
import jax.numpy as jnp
import optax  # type: ignore[import-untyped] # Optax ships no types.

from mlplatform.errors import TrainingError
from mlplatform.train.nets.net import Params
from mlplatform.train.task import Number

# Optimisers that need more than a gradient (a value, a search along a line, a key for noise), one that
# keeps its first rate in its state, and one that optax calls deprecated.
LEFT_OUT = ("lbfgs", "noisy_sgd", "polyak_sgd", "dpsgd", "rprop", "optimistic_adam")
DECAYED = 0.01  # Share of the rate that exponential decay ends at.

# The share of the learning rate at a step, given the number of steps of the whole training.
SCHEDULES: dict[str, Callable[[int], Callable[[Any], Any]]] = {
    "constant_schedule": lambda steps: optax.constant_schedule(1.0),
    "cosine_decay_schedule": lambda steps: optax.cosine_decay_schedule(1.0, steps),
    "cosine_onecycle_schedule": lambda steps: optax.cosine_onecycle_schedule(steps, 1.0),
    "exponential_decay": lambda steps: optax.exponential_decay(1.0, steps, DECAYED),
    "linear_onecycle_schedule": lambda steps: optax.linear_onecycle_schedule(steps, 1.0),
    "linear_schedule": lambda steps: optax.linear_schedule(1.0, 0.0, steps),
    "polynomial_schedule": lambda steps: optax.polynomial_schedule(1.0, 0.0, 2, steps),
}


@cache
def optimizers() -> tuple[str, ...]:
    """Return the optimisers that a spec may name: those of optax that need a learning rate alone."""
    names = [n for n in dir(optax) if not n.startswith("scale_by_") and _is_optimizer(n)]
    return tuple(sorted(set(names) - set(LEFT_OUT)))


def require(optimizer: str, schedule: str) -> None:
    """Return if both are known.

    Raises:
        TrainingError: Naming the unknown one and all known.
    """
    for field, name, known in (
        ("optimizer", optimizer, optimizers()),
        ("schedule", schedule, tuple(SCHEDULES)),
    ):
        if name not in known:
            raise TrainingError(f"model.{field} {name!r} is unknown; known: {', '.join(known)}")


def first(optimizer: str, params: Params) -> Any:
    """Return an optimiser's state before the first step."""
    return _made(optimizer, 0.0, 0.0).init(params)


def step(
    optimizer: str, slope: Params, state: Any, params: Params, rate: Number, decay: Number
) -> tuple[Params, Any]:
    """Return the parameters one step on, and the optimiser's state.

    Decay is decoupled from the gradient, as Loshchilov & Hutter (2019) have it, also where optax
    itself has none.
    """
    moves, state = _made(optimizer, rate, decay).update(slope, state, params)
    if "weight_decay" not in inspect.signature(getattr(optax, optimizer)).parameters:
        moves = jax.tree.map(lambda move, p: move - rate * decay * p, moves, params)
    return optax.apply_updates(params, moves), state


def rate_at(schedule: str, step: Number, steps: int, warmup: Number) -> jax.Array:
    """Return the share of the learning rate at `step` of `steps`, rising over the first `warmup` steps."""
    rise = jnp.minimum((jnp.asarray(step) + 1) / jnp.maximum(1.0, warmup), 1.0)
    return jnp.asarray(rise * SCHEDULES[schedule](steps)(step))


def _made(optimizer: str, rate: Number | float, decay: Number | float) -> Any:
    make = getattr(optax, optimizer)
    if "weight_decay" in inspect.signature(make).parameters:
        return make(learning_rate=rate, weight_decay=decay)
    return make(learning_rate=rate)


def _is_optimizer(name: str) -> bool:
    make = getattr(optax, name)
    if not inspect.isfunction(make):
        return False
    takes = list(inspect.signature(make).parameters.values())
    return (
        bool(takes)
        and takes[0].name == "learning_rate"
        and all(
            one.default is not inspect.Parameter.empty or one.kind is one.VAR_KEYWORD
            for one in takes[1:]
        )
    )
