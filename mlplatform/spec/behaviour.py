"""Behavioural tests of a model: what may not change its answer, what has to, and what it must get right."""

from typing import Any, Literal

from pydantic import Field

from mlplatform.spec.section import ColumnName, Section, Share


class Case(Section):
    """What every kind of case has."""

    name: str = Field(min_length=1, max_length=80, description="What it holds, as a sentence.")
    max_share: Share = Field(default=0.0, description="Of rows tried, that may fail.")


class Invariance(Case):
    """Setting columns to other values leaves the answer as it is: "John Smith" or "Juan Garcia"."""

    kind: Literal["invariance"] = "invariance"
    set: list[dict[ColumnName, Any]] = Field(
        min_length=1, description="Each is set in every row tried, one after the other."
    )
    tolerance: float | None = Field(
        default=None,
        ge=0,
        description="By which a probability or number may move; left out, the class must stay the same.",
    )


class Direction(Case):
    """Changing a column moves the answer one way, or at least not the other."""

    kind: Literal["direction"] = "direction"
    column: ColumnName
    add: float | None = None
    set: Any = None
    expect: Literal["up", "down"] = Field(description="Where the probability or number must go.")
    tolerance: float = Field(default=0.0, ge=0, description="Of a move the other way.")


class Example(Section):
    """One row and what has to be answered."""

    row: dict[ColumnName, Any]
    answer: Any = Field(default=None, description="The class.")
    at_least: float | None = None
    at_most: float | None = None


class Minimum(Case):
    """Easy rows that any model worth its name gets right."""

    kind: Literal["minimum"] = "minimum"
    examples: list[Example] = Field(min_length=1)


class Robustness(Case):
    """Missing values and noise move few answers: of columns, all that may be missing if none is named."""

    kind: Literal["robustness"] = "robustness"
    columns: list[ColumnName] = Field(default=[])
    change: Literal["missing", "noise"]
    noise: float = Field(default=0.01, gt=0, description="In standard deviations of the column.")


class Behaviour(Section):
    """The suite. Rows are test rows."""

    invariance: list[Invariance] = Field(default=[])
    direction: list[Direction] = Field(default=[])
    minimum: list[Minimum] = Field(default=[])
    robustness: list[Robustness] = Field(default=[])
    functions: str = Field(
        default="",
        description="Python file in the pipeline's folder with more cases; see docs/model-gates.md.",
    )
