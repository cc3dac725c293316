"""What a study searches: fields of the model section, each value of which that section must take."""

from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel, ValidationError

from mlplatform.spec.families import MODEL, Blend, Family, Network
from mlplatform.spec.label import Label
from mlplatform.spec.tuning import Tuning, Values

# What each task's models are measured by, and which way is better.
MINIMIZE, MAXIMIZE = "minimize", "maximize"
METRICS = {
    "binary": {"log_loss": MINIMIZE, "auc": MAXIMIZE, "accuracy": MAXIMIZE},
    "multiclass": {"log_loss": MINIMIZE, "accuracy": MAXIMIZE},
    "regression": {"rmse": MINIMIZE, "mae": MINIMIZE, "r2": MAXIMIZE},
    "quantiles": {"pinball": MINIMIZE},
}
FIXED = ("family", "gpu", "file", "input")  # A study compares settings of one model in one place.
NETWORK = {
    "learning_rate": Values(low=3e-4, high=1e-2, log=True),
    "weight_decay": Values(low=1e-6, high=1e-2, log=True),
    "dropout": Values(low=0.0, high=0.4),
}
TREES = {
    "learning_rate": Values(low=0.02, high=0.2, log=True),
    "leaves": Values(low=15, high=255, log=True),
    "min_rows_a_leaf": Values(low=5, high=200, log=True),
    "feature_share": Values(low=0.4, high=1.0),
}


def space_of(model: Family, tuning: Tuning) -> dict[str, Values]:
    """Return what is tried of each field, by dotted path: the spec's, or the family's own."""
    return _usual(model) if tuning.space is None else dict(tuning.space)


def metrics_of(label: Label) -> dict[str, str]:
    """Return the metrics that a study may optimise, and their directions; the task's own first."""
    return METRICS["quantiles" if label.quantiles else label.task]


def with_values(model: Any, values: dict[str, Any]) -> Any:
    """Return `model` with fields set by dotted paths.

    Raises:
        pydantic.ValidationError: If a field refuses its value.
    """
    document = model.model_dump()
    for path, value in values.items():
        *parents, field = path.split(".")
        section = document
        for name in parents:
            section = section[name]
        section[field] = value
    return MODEL.validate_python(document)


def is_whole(model: Family, path: str) -> bool:
    """Tell whether a field takes whole numbers only."""
    *parents, field = path.split(".")
    section: Any = model
    for name in parents:
        section = section[name] if isinstance(section, dict) else getattr(section, name)
    if isinstance(section, dict):
        return isinstance(section[field], int)
    said = str(type(section).model_fields[field].annotation)
    return "int" in said and "float" not in said


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
    space = space_of(model, tuning)
    for path, values in space.items():
        _require_field(model, path)
        _require_something(path, values)
        for value in _ends(model, path, values):
            _require_taken(model, path, value)
    endless = [n for n, v in space.items() if v.choices is None and v.step is None]
    if tuning.sampler == "grid" and endless:
        raise ValueError(f"tuning.space.{endless[0]}: a grid needs choices or a step")


def _usual(model: Family) -> dict[str, Values]:
    if isinstance(model, Blend):
        return {
            f"members.{member}.{path}": values
            for member, section in model.members.items()
            for path, values in _usual(section).items()
        }
    usual = NETWORK if isinstance(model, Network) else TREES
    return {path: values for path, values in usual.items() if path in type(model).model_fields}


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
    where, low, high = f"tuning.space.{path}", values.low, values.high
    if values.choices is not None:
        if (low, high, values.step, values.log) != (None, None, None, False):
            raise ValueError(f"{where}: choices go without low, high, log and step")
        if not values.choices:
            raise ValueError(f"{where}: choices are empty: nothing to try")
    elif low is None or high is None:
        raise ValueError(f"{where}: needs low and high, or choices")
    elif low > high:
        raise ValueError(f"{where}: {low:g} to {high:g} holds nothing to try")
    elif values.log and (low <= 0 or values.step is not None):
        raise ValueError(f"{where}: log needs a low above 0, and goes without step")


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


def _require_taken(model: Family, path: str, value: Any) -> None:
    try:
        with_values(model, {path: value})
    except ValidationError as wrong:
        said = wrong.errors()[0]["msg"]
        raise ValueError(f"tuning.space.{path}: the field refuses {value!r}: {said}") from None
