"""From the words a person has for a model to the registered model they mean."""

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from mlplatform.errors import CorruptionError, RegistryError
from mlplatform.registry.find import Found, by_digest, by_version, model_version, newest
from mlplatform.registry.record import TABLE, RegisteredModel
from mlplatform.rollout.events import TABLE as DEPLOYMENT
from mlplatform.rollout.events import live

if TYPE_CHECKING:
    from mlplatform.lake import Lake

__all__ = ["Found", "find"]

ROLES = {"champion": "champion", "challenger": "canary", "previous": "previous"}
NEWEST = "newest"
OF_DEPLOYMENT = f"/{DEPLOYMENT}"
DIGEST = re.compile("[0-9a-f]{8,64}")  # 32 bits: of 10,000 models two begin alike 1 time in 86.


def find(lake: "Lake", pipelines: Sequence[str], ref: str) -> Found:
    """Return the registered model that `ref` means.

    `census_income` and `census_income@champion` are what is live, `@challenger` the canary, `@previous` the champion
    before, `@newest` the last one registered, `census_income@7` a version; 8 hexadecimal digits or more begin a digest.
    `census_income/deployment` is the champion, `census_income/deployment@5` the one by that version of the table.

    Raises:
        RegistryError: If there is none, or several; it names what there is.
        CorruptionError: If the lake's own tables disagree about it.
    """
    name, at, what = ref.partition("@")
    if name in pipelines:
        record = _of_pipeline(lake, name, what if at else "champion")
        return Found(name, record, model_version(lake, name, record))
    if name.removesuffix(OF_DEPLOYMENT) in pipelines:
        return _deployed(lake, name.removesuffix(OF_DEPLOYMENT), what if at else "")
    if not at and DIGEST.fullmatch(ref):
        return by_digest(lake, pipelines, ref)
    raise RegistryError(
        f"{ref!r} names no model; expected a pipeline ({', '.join(sorted(pipelines)) or 'there is none'}), "
        "<pipeline>@champion, @challenger, @previous, @newest or @<version>, or 8 digits of a digest"
    )


def _of_pipeline(lake: "Lake", pipeline: str, what: str) -> RegisteredModel:
    if what == NEWEST:
        return newest(lake, pipeline)
    if what.isascii() and what.isdigit():
        return by_version(lake, pipeline, int(what))
    if what not in ROLES:
        choices = ", ".join([*ROLES, NEWEST])
        raise RegistryError(f"{pipeline}@{what}: expected a version number or one of {choices}")
    return _in_role(lake, pipeline, what)


def _deployed(lake: "Lake", pipeline: str, number: str) -> Found:
    if number and not (number.isascii() and number.isdigit()):
        raise RegistryError(f"{pipeline}{OF_DEPLOYMENT}@{number}: expected a version of the table")
    record = _in_role(lake, pipeline, "champion", int(number) if number else None)
    return Found(pipeline, record, model_version(lake, pipeline, record))


def _in_role(lake: "Lake", pipeline: str, role: str, number: int | None = None) -> RegisteredModel:
    now = live(lake, pipeline, number)
    model = now[ROLES[role]]
    if model is None:
        there = [f"@{each} (version {m.version})" for each in ROLES if (m := now[ROLES[each]])]
        said = ", ".join(there) or "nothing live"
        raise RegistryError(f"{pipeline} has no {role}; it has {said}; try {pipeline}@{NEWEST}")
    record = by_version(lake, pipeline, model.version)
    if record.model_digest != model.digest:
        raise CorruptionError(
            f"{pipeline}/{DEPLOYMENT} says that version {model.version} is {model.digest[:16]}, "
            f"but {pipeline}/{TABLE} says {record.model_digest[:16]}; restore the one that is wrong"
        )
    return record
