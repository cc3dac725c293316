"""What a team writes in `features.py`: which columns the model sees, and how. Only values."""

from collections.abc import Iterable
from dataclasses import dataclass

from mlplatform.errors import SpecError
from mlplatform.features.declare.aggregate import Aggregate
from mlplatform.features.declare.categories import Bucketize, Categorical, Cross, Hashed
from mlplatform.features.declare.feature import Feature
from mlplatform.features.declare.function import Function, feature
from mlplatform.features.declare.numbers import Elapsed, Embedding, Numeric
from mlplatform.features.declare.text import Text
from mlplatform.features.declare.times import Datetime

__all__ = [
    "KINDS",
    "Aggregate",
    "Bucketize",
    "Categorical",
    "Cross",
    "Datetime",
    "Elapsed",
    "Embedding",
    "Feature",
    "FeatureSet",
    "Function",
    "Hashed",
    "Numeric",
    "Text",
    "feature",
]

Named = (
    Bucketize
    | Categorical
    | Cross
    | Datetime
    | Elapsed
    | Embedding
    | Function
    | Hashed
    | Numeric
    | Text
)
KINDS = (
    Bucketize, Categorical, Cross, Datetime, Elapsed, Embedding, Function, Hashed, Numeric, Text,
)  # fmt: skip


@dataclass(frozen=True)
class FeatureSet:
    """Everything the model sees of a row, in order. A column may serve several features."""

    features: tuple[Named, ...]

    def __init__(self, features: "Iterable[Named]") -> None:
        object.__setattr__(self, "features", tuple(features))
        if not self.features:
            raise SpecError("a FeatureSet needs at least one feature")
        names: set[str] = set()
        for each in self.features:
            if not isinstance(each, KINDS):
                known = ", ".join(sorted(kind.__name__ for kind in KINDS))
                raise SpecError(f"{each!r} is no feature; known: {known}")
            if each.name in names:
                raise SpecError(f"feature {each.name!r} is declared twice; give one another name")
            names.add(each.name)
        _same_aggregate_by_name(self.aggregates)

    def __add__(self, other: "FeatureSet") -> "FeatureSet":
        """Return the features of both."""
        return FeatureSet([*self.features, *other.features])

    def only(self, *names: str) -> "FeatureSet":
        """Return the named features, in the order of the set.

        Raises:
            SpecError: If there is none of some name.
        """
        known = [each.name for each in self.features]
        for name in names:
            if name not in known:
                raise SpecError(f"there is no feature {name!r} to take; known: {', '.join(known)}")
        return FeatureSet(each for each in self.features if each.name in names)

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns read, aggregates among them, each once, in order of first use."""
        return tuple(dict.fromkeys(name for each in self.features for name in each.reads))

    @property
    def aggregates(self) -> tuple[Aggregate, ...]:
        """The aggregates read, each once, in order of first use."""
        return tuple(dict.fromkeys(one for each in self.features for one in each.aggregates))


def _same_aggregate_by_name(aggregates: tuple[Aggregate, ...]) -> None:
    seen: dict[str, Aggregate] = {}
    for one in aggregates:
        if seen.setdefault(one.name, one) != one:
            raise SpecError(f"aggregate {one.name!r} is declared twice; give one another name")
