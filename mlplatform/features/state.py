"""What fitting learnt, as plain values: the JSON in a model's `features.json` and nothing else."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from mlplatform.errors import FeatureError

MISSING = 0  # Category id of "no value".
UNSEEN = 1  # Category id of values outside the vocabulary.
FIRST = 2  # Category id of the vocabulary's first value.


@dataclass(frozen=True, kw_only=True)
class NumericState:
    """A fitted number: `edges` of its bins, or mean and deviation; of the logarithm if `log`."""

    name: str
    column: str
    type: str
    log: bool
    fill: float
    indicator: bool
    edges: tuple[float, ...]
    mean: float
    deviation: float

    def __post_init__(self) -> None:
        _check_type(self.name, self.type, ("int64", "float64"))
        numbers = (self.fill, self.mean, self.deviation, *self.edges)
        if not all(math.isfinite(number) for number in numbers) or self.deviation < 0:
            raise FeatureError(
                f"feature {self.name!r}: its state holds a number that is not finite"
            )
        if any(low >= high for low, high in zip(self.edges, self.edges[1:], strict=False)):
            raise FeatureError(f"feature {self.name!r}: its edges do not ascend")

    @property
    def width(self) -> int:
        """Number of float columns its value becomes; its indicator is one more."""
        return max(1, len(self.edges) - 1)

    @property
    def vectors(self) -> tuple[str, ...]:
        """Names of the float columns its value becomes."""
        bins = tuple(f"{self.name}__bin_{k:03d}" for k in range(len(self.edges) - 1))
        return bins or (f"{self.name}__scaled",)


@dataclass(frozen=True, kw_only=True)
class CategoricalState:
    """A fitted category: the id of `vocabulary[k]` is `FIRST + k`; bools are "false" and "true"."""

    name: str
    column: str
    type: str
    vocabulary: tuple[str, ...]

    def __post_init__(self) -> None:
        _check_type(self.name, self.type, ("int64", "string", "bool"))
        if len(set(self.vocabulary)) != len(self.vocabulary):
            raise FeatureError(f"feature {self.name!r}: its vocabulary repeats a value")

    @property
    def size(self) -> int:
        """Number of ids, the two reserved ones included."""
        return FIRST + len(self.vocabulary)


def written(value: str | int) -> str:
    """Return a category's value as a vocabulary holds it."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def as_json(state: NumericState | CategoricalState) -> dict[str, Any]:
    """Return a JSON object that `numeric_state` or `categorical_state` reads back."""
    return asdict(state)


def numeric_state(stored: Mapping[str, Any]) -> NumericState:
    """Return the state in `stored`.

    Raises:
        FeatureError: If a field is missing, unknown or of the wrong type.
    """
    _check_fields(stored, NumericState)
    return NumericState(**{**stored, "edges": tuple(stored["edges"])})


def categorical_state(stored: Mapping[str, Any]) -> CategoricalState:
    """Return the state in `stored`.

    Raises:
        FeatureError: If a field is missing, unknown or of the wrong type.
    """
    _check_fields(stored, CategoricalState)
    return CategoricalState(**{**stored, "vocabulary": tuple(stored["vocabulary"])})


def _check_type(name: str, kind: str, possible: tuple[str, ...]) -> None:
    if kind not in possible:
        raise FeatureError(f"feature {name!r}: type {kind!r} is none of {', '.join(possible)}")


_JSON_TYPES: dict[Any, tuple[type, ...]] = {
    str: (str,),
    bool: (bool,),
    float: (int, float),
    tuple[float, ...]: (list,),
    tuple[str, ...]: (list,),
}


def _check_fields(stored: Any, state: type[NumericState] | type[CategoricalState]) -> None:
    expected = {field.name: _JSON_TYPES[field.type] for field in fields(state)}
    if not isinstance(stored, Mapping) or stored.keys() != expected.keys():
        raise FeatureError(f"a stored feature needs the fields {', '.join(expected)}")
    for name, types in expected.items():
        if not isinstance(stored[name], types):
            raise FeatureError(f"stored feature {stored['name']!r}: {name} is {stored[name]!r}")
