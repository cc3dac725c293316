"""Fitted values as JSON and back: `features.json` says no more and no less than the dataclasses have.

Reading is strict, so that what another version wrote is refused and never misread: every field must
be there, none may be too many, and each must have its type.
"""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any, TypeVar, get_args, get_origin

from mlplatform.errors import FeatureError, SpecError
from mlplatform.features.declare.aggregate import Aggregate

_AGGREGATE = (
    "name", "events", "by", "function", "column", "where", "window", "description",
)  # fmt: skip

T = TypeVar("T")


def plain(one: Any) -> dict[str, Any]:
    """Return an input or a state as a JSON object, its `kind` first."""
    values = {field.name: _plain(getattr(one, field.name), field.type) for field in fields(one)}
    return {"kind": one.kind, **values}


def tagged(stored: Any, kinds: Mapping[str, type[T]], where: str) -> T:
    """Return what `plain` wrote.

    Raises:
        FeatureError: Naming `where` and the field, for anything else.
    """
    kind = stored.get("kind") if isinstance(stored, dict) else None
    if not isinstance(kind, str) or kind not in kinds:
        raise FeatureError(f"{where}: no kind of {', '.join(sorted(kinds))}")
    types = {field.name: field.type for field in fields(kinds[kind])}  # type: ignore[arg-type] # Dataclasses all.
    given = {name: value for name, value in stored.items() if name != "kind"}
    require_fields(given, types, where)
    return kinds[kind](
        **{name: _read(given[name], types[name], f"{where}.{name}") for name in types}
    )


def plain_aggregate(one: Aggregate) -> dict[str, Any]:
    """Return an aggregate as a JSON object."""
    return {name: _listed(getattr(one, name)) for name in _AGGREGATE}


def aggregate(stored: Any, where: str) -> Aggregate:
    """Return what `plain_aggregate` wrote.

    Raises:
        FeatureError: Naming `where`, for anything else.
    """
    require_fields(stored, _AGGREGATE, where)
    texts = ("name", "events", "function", "description")
    wrong = [name for name in texts if not isinstance(stored[name], str)]
    wrong += [n for n in ("column", "window") if not isinstance(stored[n], str | None)]
    wrong += [n for n in ("by", "where") if not isinstance(stored[n], list)]
    if wrong:
        raise FeatureError(f"{where}.{wrong[0]} is {json.dumps(stored[wrong[0]])[:80]}")
    by = dict(pairs(stored["by"], f"{where}.by"))
    conditions = [_condition(one, f"{where}.where") for one in stored["where"]]
    try:
        return Aggregate(**{**stored, "by": by, "where": conditions})
    except SpecError as problem:
        raise FeatureError(f"{where}: {problem}") from None


def pairs(stored: Any, where: str) -> tuple[tuple[str, str], ...]:
    """Return a list of pairs of texts; `FeatureError` naming `where` for anything else."""
    found = [_read(pair, tuple[str, ...], where) for pair in _read(stored, list, where)]
    if any(len(pair) != 2 for pair in found):
        raise FeatureError(f"{where} holds no pairs")
    return tuple((one, other) for one, other in found)


def require_fields(stored: Any, names: Any, where: str) -> None:
    """Raise `FeatureError` unless `stored` is a JSON object of exactly these fields."""
    if not isinstance(stored, dict):
        raise FeatureError(f"{where} is no object")
    for name in names:
        if name not in stored:
            raise FeatureError(f"{where}: field {name!r} is missing")
    for name in stored:
        if name not in names:
            raise FeatureError(f"{where}: field {name[:80]!r} is unknown")


def _plain(value: Any, kind: Any) -> Any:
    if get_origin(kind) is tuple:
        return [_plain(each, get_args(kind)[0]) for each in value]
    return kind(value)  # An int where a float stands would come back as another text.


def _read(value: Any, kind: Any, where: str) -> Any:
    if get_origin(kind) is tuple:
        if not isinstance(value, list):
            raise FeatureError(f"{where} is no list")
        return tuple(_read(each, get_args(kind)[0], where) for each in value)
    if type(value) is not kind or (kind is float and not math.isfinite(value)):
        raise FeatureError(f"{where}: {kind.__name__} is expected, got {json.dumps(value)[:80]}")
    return value


def _condition(stored: Any, where: str) -> tuple[Any, ...]:
    possible = isinstance(stored, list) and len(stored) == 3
    if not possible or not isinstance(stored[2], str | int | float | bool):
        raise FeatureError(f"{where} holds no conditions of column, comparison, value")
    return (*_read(stored[:2], tuple[str, ...], where), stored[2])


def _listed(value: Any) -> Any:
    """Return tuples as lists, at any depth."""
    nested = isinstance(value, Sequence) and not isinstance(value, str)
    return [_listed(each) for each in value] if nested else value
