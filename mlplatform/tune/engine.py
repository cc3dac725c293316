"""Optuna's samplers and pruners by the names a spec gives, and what they sample from."""

import json
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import optuna

from mlplatform.spec.families import Family
from mlplatform.spec.space import is_whole
from mlplatform.spec.tuning import Tuning, Values

Space = Mapping[str, optuna.distributions.BaseDistribution]
Sampler = Callable[[int | None, Space], optuna.samplers.BaseSampler]
REDUCTION = 3  # Of the trials that reach a rung a third goes on (Li et al., JMLR 18, 2018).
PLAIN = (str, int, float, bool, type(None))


class _Grid(optuna.samplers.GridSampler):
    """Does not stop the study after the last point, which only `optimize` could: no more are asked for."""

    def after_trial(self, *_: object) -> None:
        """Do nothing."""


SAMPLERS: dict[str, Sampler] = {
    "cmaes": lambda seed, space: optuna.samplers.CmaEsSampler(seed=seed),
    "gp": lambda seed, space: optuna.samplers.GPSampler(seed=seed),
    "grid": lambda seed, space: _Grid(_grid(space), seed=seed),
    "qmc": lambda seed, space: optuna.samplers.QMCSampler(seed=seed, scramble=True),
    "random": lambda seed, space: optuna.samplers.RandomSampler(seed=seed),
    "tpe": lambda seed, space: optuna.samplers.TPESampler(seed=seed),
}
PRUNERS: dict[str, Callable[[int], optuna.pruners.BasePruner]] = {
    "none": lambda epochs: optuna.pruners.NopPruner(),
    "median": lambda epochs: optuna.pruners.MedianPruner(),
    "successive_halving": lambda epochs: optuna.pruners.SuccessiveHalvingPruner(
        min_resource=1, reduction_factor=REDUCTION
    ),
    "hyperband": lambda epochs: optuna.pruners.HyperbandPruner(
        min_resource=1, max_resource=max(epochs, 2), reduction_factor=REDUCTION
    ),
}


def distributions(model: Family, space: Mapping[str, Values]) -> Space:
    """Return what is sampled for each dotted field."""
    return {path: _distribution(model, path, values) for path, values in space.items()}


def values_of(space: Mapping[str, Values], params: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields' values behind what was sampled: lists and sections are sampled by name."""
    return {path: _value(space[path], param) for path, param in params.items()}


def sampler(tuning: Tuning, seed: int | None, space: Space) -> optuna.samplers.BaseSampler:
    """Return the spec's sampler.

    Args:
        tuning: Names it.
        seed: Of all its chance; None takes the system's.
        space: As `distributions` returns it.
    """
    return SAMPLERS[tuning.sampler](seed, space)


def most(tuning: Tuning, space: Space) -> int:
    """Return how many trials are wanted: never more than a grid has points."""
    if tuning.sampler != "grid":
        return tuning.trials
    return min(tuning.trials, int(np.prod([len(values) for values in _grid(space).values()])))


def _distribution(
    model: Family, path: str, values: Values
) -> optuna.distributions.BaseDistribution:
    if values.choices is not None:
        return optuna.distributions.CategoricalDistribution([_label(c) for c in values.choices])
    low, high = values.low or 0.0, values.high or 0.0
    if is_whole(model, path):
        step = int(values.step or 1)
        return optuna.distributions.IntDistribution(int(low), int(high), log=values.log, step=step)
    return optuna.distributions.FloatDistribution(low, high, log=values.log, step=values.step)


def _label(choice: Any) -> Any:
    return choice if isinstance(choice, PLAIN) else json.dumps(choice)


def _value(values: Values, param: Any) -> Any:
    if values.choices is None:
        return param
    return values.choices[[_label(choice) for choice in values.choices].index(param)]


def _grid(space: Space) -> dict[str, list[Any]]:
    return {path: _points(of) for path, of in space.items()}


def _points(of: optuna.distributions.BaseDistribution) -> list[Any]:
    if isinstance(of, optuna.distributions.CategoricalDistribution):
        return list(of.choices)
    assert isinstance(  # noqa: S101  the spec lets no other into a grid
        of, optuna.distributions.IntDistribution | optuna.distributions.FloatDistribution
    )
    count = int((of.high - of.low) / (of.step or 1) + 1e-9) + 1  # Rounding must not lose the last.
    return [min(of.low + at * (of.step or 1), of.high) for at in range(count)]
