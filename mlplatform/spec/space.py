"""What a study searches: fields of the model section, each value of which that section must take."""

from typing import Any

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


def section_of(model: Family, path: str) -> Any:
    """Return the section that has the field of a dotted path, or the mapping that has the key."""
    section: Any = model
    for name in path.split(".")[:-1]:
        section = section[name] if isinstance(section, dict) else getattr(section, name)
    return section


def is_whole(model: Family, path: str) -> bool:
    """Tell whether a field takes whole numbers only."""
    section, field = section_of(model, path), path.rpartition(".")[2]
    if isinstance(section, dict):
        return isinstance(section[field], int)
    said = str(type(section).model_fields[field].annotation)
    return "int" in said and "float" not in said


def _usual(model: Family) -> dict[str, Values]:
    if isinstance(model, Blend):
        return {
            f"members.{member}.{path}": values
            for member, section in model.members.items()
            for path, values in _usual(section).items()
        }
    usual = NETWORK if isinstance(model, Network) else TREES
    return {path: values for path, values in usual.items() if path in type(model).model_fields}
