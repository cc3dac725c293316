"""A study: which settings are tried, how many times, by what, and where that is kept."""

import re
from importlib.util import find_spec
from typing import Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from mlplatform.spec.section import Section

# Samplers by the names a spec may give, and the package that Optuna's needs beside its own.
SAMPLERS = {
    "cmaes": "cmaes",
    "gp": "torch",
    "grid": "",
    "qmc": "scipy",
    "random": "",
    "tpe": "",
}
STORAGE = re.compile(r"sqlite|env:[A-Za-z_][A-Za-z0-9_]*|journal:[^/:\s][^:\s]*")


class Values(Section):
    """What is tried of one field: numbers from `low` to `high`, or `choices`."""

    low: float | None = Field(default=None, allow_inf_nan=False)
    high: float | None = Field(default=None, allow_inf_nan=False)
    log: bool = Field(default=False, description="Whether orders of magnitude are equally likely.")
    step: float | None = Field(
        default=None, gt=0, allow_inf_nan=False, description="Between numbers that are tried."
    )
    choices: list[Any] | None = None


class Tuning(Section):
    """An Optuna study over training and validation rows. Off while `trials` is 0."""

    trials: int = Field(default=0, ge=0, le=100_000)
    metric: str | None = Field(
        default=None, description="Of validation rows; the task's own if left out."
    )
    sampler: str = Field(default="tpe", description="By its name in Optuna.")
    pruner: Literal["none", "median", "successive_halving", "hyperband"] = Field(
        default="none", description="What ends trials early, judged after each epoch."
    )
    space: dict[str, Values] | None = Field(
        default=None, description="By dotted fields of `model`; the family's own if left out."
    )
    batch: int = Field(default=8, ge=1, le=1024, description="Trials asked for together.")
    together: Literal["auto", "on", "off"] = Field(
        default="auto", description="Train a batch as one program; auto: on a GPU."
    )
    storage: str = Field(
        default="sqlite",
        description="sqlite: this machine's; env:NAME: the database URL in an environment variable, "
        "journal:FILE: a file under the platform's home; many processes may share the latter two.",
    )
    seed: int = Field(default=0, ge=0, lt=2**32)

    @field_validator("sampler")
    @classmethod
    def _can_be_used(cls, name: str) -> str:
        if name not in SAMPLERS:
            raise ValueError(f"tuning.sampler {name!r} is unknown; known: {', '.join(SAMPLERS)}")
        if SAMPLERS[name] and not find_spec(SAMPLERS[name]):
            usable = ", ".join(n for n, needs in SAMPLERS.items() if not needs or find_spec(needs))
            raise ValueError(
                f"tuning.sampler {name!r} needs the package {SAMPLERS[name]!r}, which is not"
                f" installed; without it: {usable}"
            )
        return name

    @field_validator("storage")
    @classmethod
    def _is_named(cls, storage: str) -> str:
        if not STORAGE.fullmatch(storage) or ".." in storage:
            # Not repeated: people paste URLs with passwords here.
            raise ValueError(
                "tuning.storage is sqlite, env:NAME of a variable with a database URL, or"
                " journal:FILE"
            )
        return storage

    @model_validator(mode="after")
    def _covers_the_grid(self) -> Self:
        if self.sampler == "grid" and self.storage != "sqlite":
            raise ValueError(
                "tuning.sampler 'grid' is for one process: those that share a storage would try some"
                " points twice and others never; set storage to sqlite, or sampler to qmc or random"
            )
        return self
