"""What every declared feature has: a name, columns, words for the catalogue."""

import re
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mlplatform.errors import SpecError
from mlplatform.features.declare.aggregate import Aggregate

NAME = re.compile(
    r"[A-Za-z][A-Za-z0-9]*(_[A-Za-z0-9]+)*"
)  # No "__": it parts a name from its suffix.

LARGEST = 3.4028234663852886e38  # Of float32.

Column = str | Aggregate  # What a feature reads: a raw column, or a point-in-time aggregate.


@dataclass(frozen=True, kw_only=True)
class Feature(ABC):
    """What every feature may say. Concrete features are never subclassed.

    Attributes:
        description: What it means, for the catalogue.
        owner: Who answers for it; left out, the pipeline's owners do.
    """

    description: str = ""
    owner: str = ""

    @property
    @abstractmethod
    def reads(self) -> Mapping[str, Sequence[str]]:
        """Each column it reads, with the column types it takes; a vector is written `vector`."""

    @property
    def aggregates(self) -> tuple[Aggregate, ...]:
        """The aggregates among its columns."""
        return ()


def check_name(name: object) -> None:
    """Raise `SpecError` unless `name` may be a feature's."""
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise SpecError(
            f"feature name {name!r}: letters, digits and single underscores are possible;"
            " `column=` may name any column"
        )


def check_name_and_column(feature: Any) -> None:
    """Raise `SpecError` unless the name may be a feature's; a column left out has that name."""
    check_name(feature.name)
    if not feature.column:
        object.__setattr__(feature, "column", feature.name)


def column_name(column: Column) -> str:
    """Return the column that holds a raw value or an aggregate's."""
    return column.name if isinstance(column, Aggregate) else column


def aggregates_in(*columns: Column) -> tuple[Aggregate, ...]:
    """Return the aggregates among `columns`."""
    return tuple(column for column in columns if isinstance(column, Aggregate))


def require_whole(feature: str, field: str, value: object, least: int, most: int) -> None:
    """Raise `SpecError` naming the feature unless `value` is a whole number from `least` to `most`."""
    whole = isinstance(value, int) and not isinstance(value, bool) and least <= value <= most
    require(feature, whole, f"{field}={value!r}; {least:,} to {most:,} are possible")


def is_number(value: object) -> bool:
    """Whether `value` is a number that float32, in which features are computed, can hold."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        return False
    return abs(value) <= LARGEST


def require(feature: str, holds: bool, wrong: str) -> None:  # noqa: FBT001 - the condition itself.
    """Raise `SpecError` naming the feature unless `holds`."""
    if not holds:
        raise SpecError(f"feature {feature!r}: {wrong}")
