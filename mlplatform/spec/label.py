"""What is predicted: one of two classes, one of many, or a number."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from mlplatform.spec.section import ColumnName, Section

Kind = Literal["binary", "multiclass", "regression"]


class Label(Section):
    """The column to predict, and what kind of answer it holds.

    Of a `binary` label, rows equal to `positive` are class 1. A `multiclass` label has one of the
    declared `classes`, in whose order probabilities are given. A `regression` label is a number: its
    mean is predicted, or the declared `quantiles` of it.
    """

    column: ColumnName
    task: Kind = "binary"
    positive: str = Field(default="", description="The value that is class 1, for `binary`.")
    classes: list[str] = Field(default=[], description="Every value, for `multiclass`.")
    quantiles: list[Annotated[float, Field(gt=0, lt=1)]] = Field(
        default=[], description="Of a number, rising; left out, its mean is predicted."
    )
    strip: str = Field(default="", description="Characters dropped from the end of the label.")
    weight: ColumnName | None = Field(
        default=None, description="The column that says how much a row counts in training."
    )

    @model_validator(mode="after")
    def _says_what_its_task_needs(self) -> Self:
        needs = {"binary": "positive", "multiclass": "classes"}.get(self.task)
        if needs and not getattr(self, needs):
            raise ValueError(f"label.task is {self.task!r}; set label.{needs}")
        for field, task in (
            ("positive", "binary"),
            ("classes", "multiclass"),
            ("quantiles", "regression"),
        ):
            if getattr(self, field) and self.task != task:
                raise ValueError(f"label.{field} is for the task {task!r}, not {self.task!r}")
        if len(set(self.classes)) < len(self.classes):
            raise ValueError("label.classes names a class twice")
        if len(self.classes) == 1:
            raise ValueError("label.classes has one class; at least two are needed")
        if self.quantiles != sorted(set(self.quantiles)):
            raise ValueError("label.quantiles must rise")
        return self
