"""What a space must be so that a study of it can be made: all of it is known when the spec is read."""

import math
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel, ValidationError

from mlplatform.spec.families import Blend, Family, misfit
from mlplatform.spec.label import Label
from mlplatform.spec.space import is_whole, metrics_of, space_of, with_values
from mlplatform.spec.tuning import Tuning, Values

FIXED = ("family", "gpu", "file", "input")  # A study compares settings of one model in one place.
MOST_POINTS = 100_000  # Of a grid: as many as there may be trials. Optuna lists all of them.
COUNTED = 1e15  # Numbers of a range, above which it does not matter how many.
ROUNDING = 1e-9  # Of a step: it must not lose a range's last number.


def require_space(model: Family, label: Label, tuning: Tuning) -> None:
    """Return if a study of `model` can be made.

    Raises:
        ValueError: Naming the field that is not there, or the value that it would refuse.
    """
    metrics = metrics_of(label)
    if tuning.metric is not None and tuning.metric not in metrics:
        known = ", ".join(metrics)
        raise ValueError(f"tuning.metric {tuning.metric!r} is none of this task's: {known}")
    if tuning.space == {}:
        raise ValueError("tuning.space is empty: nothing to try; leave it out for the usual one")
    if tuning.trials:
        _require_memory(model)
    space = space_of(model, tuning)
    for path, values in space.items():
        _require_field(model, path)
        _require_something(path, values)
        taken = [(value, _taken(model, label, path, value)) for value in _ends(model, path, values)]
        if values.choices is not None:
            _require_different(path, taken)
    if tuning.sampler == "grid":
        _require_points(space)


def _require_memory(model: Family) -> None:
    """Refuse a stream: trials share rows that lie in memory."""
    members = model.members if isinstance(model, Blend) else {}
    named = {"model": model, **{f"model.members.{n}": member for n, member in members.items()}}
    for where, section in named.items():
        if getattr(section, "input", "auto") == "stream":
            raise ValueError(
                f"{where}.input is 'stream', and a study reads all rows into memory;"
                " set tuning.trials to 0, or input to memory"
            )


def _require_points(space: Mapping[str, Values]) -> None:
    """Refuse a grid that has no end, or too many points."""
    points = 1
    for path, values in space.items():
        if values.choices is None and values.step is None:
            raise ValueError(f"tuning.space.{path}: a grid needs choices or a step")
        points *= _count(values)
    if points > MOST_POINTS:
        raise ValueError(
            f"tuning.space is a grid of {points:,} points, and {MOST_POINTS:,} are the most;"
            " take larger steps or another sampler"
        )


def _count(values: Values) -> int:
    if values.choices is not None:
        return len(values.choices)
    low, high, step = values.low or 0.0, values.high or 0.0, values.step or 1.0
    return int(min((high - low) / step, COUNTED) + ROUNDING) + 1


def _require_field(model: Family, path: str) -> None:
    section: Any = model
    for at, name in enumerate(names := path.split(".")):
        here = ".".join(("model", *names[:at]))
        if section is None:
            raise ValueError(f"tuning.space.{path}: {here} is not set; set it to search within it")
        known = _fields(section)
        if name not in known or name in FIXED:
            fields = ", ".join(n for n in known if n not in FIXED) or "none"
            raise ValueError(
                f"tuning.space.{path}: {here} has no field {name!r} to search: {fields}"
            )
        section = section[name] if isinstance(section, dict) else getattr(section, name)
    if isinstance(section, BaseModel) or (isinstance(section, dict) and section):
        raise ValueError(
            f"tuning.space.{path}: name one of its fields: {', '.join(_fields(section))}"
        )


def _require_something(path: str, values: Values) -> None:
    """Refuse values that are none."""
    if values.choices is None:
        said = _no_range(values)
    elif (values.low, values.high, values.step, values.log) != (None, None, None, False):
        said = "choices go without low, high, log and step"
    elif not values.choices:
        said = "choices are empty: nothing to try"
    else:
        odd = [c for c in values.choices if isinstance(c, float) and not math.isfinite(c)]
        said = f"{odd[0]} is no number to try" if odd else ""
    if said:
        raise ValueError(f"tuning.space.{path}: {said}")


def _no_range(values: Values) -> str:
    """Return why values are no range of numbers; "" if they are one."""
    low, high, step = values.low, values.high, values.step
    if low is None or high is None:
        return "needs low and high, or choices"
    if low > high:
        return f"{low:g} to {high:g} holds nothing to try"
    if values.log and (low <= 0 or step is not None):
        return "log needs a low above 0, and goes without step"
    if step is not None and step > (high - low) * (1 + ROUNDING):
        return f"a step of {step:g} leaves nothing between {low:g} and {high:g}"
    return ""


def _fields(section: Any) -> list[str]:
    if isinstance(section, BaseModel):
        return list(type(section).model_fields)
    return list(section) if isinstance(section, dict) else []


def _ends(model: Family, path: str, values: Values) -> Iterator[Any]:
    if values.choices is not None:
        yield from values.choices
        return
    for number in (values.low, values.high, values.step):
        if number is not None and is_whole(model, path) and number != int(number):
            raise ValueError(f"tuning.space.{path}: {number:g} is no whole number")
    yield from (_number(model, path, number) for number in (values.low, values.high))


def _number(model: Family, path: str, number: float | None) -> Any:
    return int(number or 0) if is_whole(model, path) else number


def _taken(model: Family, label: Label, path: str, value: Any) -> Any:
    """Return the model with a value that it takes."""
    try:
        found = with_values(model, {path: value})
    except ValidationError as wrong:
        said = wrong.errors()[0]["msg"]
        raise ValueError(f"tuning.space.{path}: the field refuses {value!r}: {said}") from None
    if said := misfit(found, label):
        raise ValueError(f"tuning.space.{path}: {value!r} is none to try: {said}")
    return found


def _require_different(path: str, taken: list[tuple[Any, Any]]) -> None:
    """Refuse choices of one meaning, or told alike in the study's table."""
    for at, (choice, model) in enumerate(taken):
        for other, same in taken[:at]:
            if model == same or str(choice) == str(other):
                raise ValueError(
                    f"tuning.space.{path}: the choices {other!r} and {choice!r} are the same"
                )
