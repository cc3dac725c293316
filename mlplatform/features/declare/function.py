"""Features that are free functions of columns, in jax.numpy."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mlplatform.features.declare.aggregate import Aggregate
from mlplatform.features.declare.feature import (
    Column,
    Feature,
    aggregates_in,
    check_name,
    column_name,
    require,
    require_whole,
)

TAKEN = ("int64", "float64", "bool")
MAX_WIDTH = 1024


@dataclass(frozen=True)
class Function(Feature):
    """A pure function of numbers: of f32[rows] arrays, NaN where a value is missing, row by row.

    It returns f32[rows], or f32[rows, width]; what is not finite there becomes 0. Made by `feature`.
    """

    name: str
    columns: tuple[Column, ...]
    function: Callable[..., Any]
    width: int = 1

    def __post_init__(self) -> None:
        check_name(self.name)
        listed = not isinstance(self.columns, str | Aggregate)
        require(self.name, listed, f"columns={self.columns!r}; write a list of columns")
        object.__setattr__(self, "columns", tuple(self.columns))
        require(self.name, bool(self.columns), "give columns=: what does it read?")
        require(self.name, callable(self.function), "needs a function")
        require_whole(self.name, "width", self.width, 1, MAX_WIDTH)

    @property
    def reads(self) -> Mapping[str, Sequence[str]]:
        """Its columns."""
        return {column_name(column): TAKEN for column in self.columns}

    @property
    def aggregates(self) -> tuple[Aggregate, ...]:
        """The aggregates among its columns."""
        return aggregates_in(*self.columns)


def feature(
    columns: Sequence[Column],
    *,
    name: str = "",
    width: int = 1,
    description: str = "",
    owner: str = "",
) -> Callable[[Callable[..., Any]], Function]:
    """Make a feature of a function, called by its name and described by its docstring's first line.

    Args:
        columns: Columns of type int64, float64 or bool, or aggregates, in the order of its arguments.
        name: In place of the function's.
        width: Float features it returns a row; more than 1 are its result's second axis.
        description: In place of the docstring's first line.
        owner: As of any feature.
    """

    def declared(function: Callable[..., Any]) -> Function:
        said = (getattr(function, "__doc__", None) or "").strip().splitlines()
        return Function(
            name=name or getattr(function, "__name__", ""),
            columns=columns,  # type: ignore[arg-type] # Made a tuple where it is checked.
            function=function,
            width=width,
            description=description or (said[0] if said else ""),
            owner=owner,
        )

    return declared
