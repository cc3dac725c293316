"""Behavioural tests of a model: what may not change its answer, what has to, and what it must get right.

The kinds are those of Ribeiro et al. (2020), "Beyond Accuracy: Behavioral Testing of NLP Models with
CheckList", ACL. What the suite says of columns and classes is held against them by `behaviour_rules`.
"""

from typing import Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from mlplatform.spec.section import ColumnName, Section, Share


class Case(Section):
    """What every kind of case has."""

    name: str = Field(min_length=1, max_length=80, description="What it holds, as a sentence.")
    max_share: Share = Field(
        default=0.0,
        description="Of rows that may fail: the rows tried have to show it. At 0 none of them fails.",
    )


class Invariance(Case):
    """Setting columns to other values leaves the answer as it is: "John Smith" or "Juan Garcia".

    Of a row's answers, its own among them, no two may differ by more than the tolerance.
    """

    kind: Literal["invariance"] = "invariance"
    set: list[dict[ColumnName, Any]] = Field(
        min_length=1,
        description="Each is set in every row tried, one after the other; null: missing.",
    )
    tolerance: float | None = Field(
        default=None,
        ge=0,
        description="By which a probability or number may move; left out, the class must stay the "
        "same, and a number within a tenth of the label's deviation.",
    )

    @field_validator("set")
    @classmethod
    def _sets_something(cls, each: list[dict[str, Any]]) -> list[dict[str, Any]]:
        if not all(each):
            raise ValueError("behaviour: an entry of `set` names no column; name one, or remove it")
        return each


class Direction(Case):
    """Changing a column moves the answer one way, or at least not the other."""

    kind: Literal["direction"] = "direction"
    column: ColumnName
    add: float | None = Field(default=None, description="To the column's value in every row.")
    set: Any = Field(default=None, description="Instead of `add`: the column's new value.")
    expect: Literal["up", "down"] = Field(description="Where the probability or number must go.")
    of: str = Field(default="", description="The class whose probability is meant, of several.")
    tolerance: float = Field(default=0.0, ge=0, description="Of a move the other way.")

    @model_validator(mode="after")
    def _changes_one_way(self) -> Self:
        if (self.add is None) == (self.set is None):
            raise ValueError(f"behaviour: case {self.name!r}: give one of add and set")
        if self.add == 0:
            raise ValueError(f"behaviour: case {self.name!r}: add is 0, which changes nothing")
        return self


class Example(Section):
    """One row and what has to be answered. A column that it does not name is missing."""

    row: dict[ColumnName, Any] = Field(min_length=1)
    answer: Any = Field(default=None, description="The class.")
    at_least: float | None = Field(default=None, description="The probability, or the number.")
    at_most: float | None = None

    @model_validator(mode="after")
    def _says_what_is_right(self) -> Self:
        if self.answer is None and self.at_least is None and self.at_most is None:
            raise ValueError(
                "behaviour: an example says nothing of the answer; give answer, at_least or at_most"
            )
        if None not in (self.at_least, self.at_most) and self.at_least > self.at_most:  # type: ignore[operator]
            raise ValueError(
                f"behaviour: at_least {self.at_least:g} is above at_most {self.at_most:g}"
            )
        return self


class Minimum(Case):
    """Easy rows that any model worth its name gets right."""

    kind: Literal["minimum"] = "minimum"
    examples: list[Example] = Field(min_length=1)


class Robustness(Case):
    """Missing values and noise move few answers.

    Values go missing in one column after the other, and the worst column is judged; noise comes to
    all columns at once. Of `columns`, all that may be missing, or be numbers, if none is named.
    """

    kind: Literal["robustness"] = "robustness"
    columns: list[ColumnName] = Field(default=[])
    change: Literal["missing", "noise"]
    noise: float = Field(default=0.01, gt=0, description="In standard deviations of the column.")
    max_share: Share = Field(default=0.1, description="Of rows whose answer may change.")


class Behaviour(Section):
    """The suite. Rows are test rows."""

    invariance: list[Invariance] = Field(default=[])
    direction: list[Direction] = Field(default=[])
    minimum: list[Minimum] = Field(default=[])
    robustness: list[Robustness] = Field(default=[])
    functions: str = Field(
        default="",
        description="Python file in the pipeline's folder with more cases; see docs/behaviour.md.",
    )

    @property
    def cases(self) -> list[Invariance | Direction | Minimum | Robustness]:
        """Every declared case, in order."""
        return [*self.invariance, *self.direction, *self.minimum, *self.robustness]

    @model_validator(mode="after")
    def _names_each_once(self) -> Self:
        names = [case.name for case in self.cases]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise ValueError(f"behaviour: two cases are called {twice!r}; rename one")
        return self
