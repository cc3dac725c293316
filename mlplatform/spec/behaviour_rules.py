"""What a behavioural suite may say of a pipeline's columns and label."""

import math
from collections.abc import Mapping
from datetime import date, datetime
from pathlib import PurePosixPath
from typing import Any, Protocol

from mlplatform.spec.behaviour import Behaviour, Direction, Example, Minimum, Robustness
from mlplatform.spec.label import Label
from mlplatform.spec.section import vector_width

NUMBERS = ("int64", "float64")
QUOTES = "; YAML reads it so without quotes"


class Declares(Protocol):
    """What is read of a `PipelineSpec`."""

    @property
    def columns(self) -> Mapping[str, str]:
        """Type by column."""
        ...

    @property
    def label(self) -> Label:
        """What is predicted."""
        ...

    @property
    def unused(self) -> Mapping[str, str]:
        """Columns that no feature may use."""
        ...

    @property
    def known_after(self) -> Mapping[str, str]:
        """Columns known too late."""
        ...

    @property
    def events(self) -> Mapping[str, Any]:
        """Event tables: with any, a case may name an aggregate, which features.py declares."""
        ...


def misfit(behaviour: Behaviour, spec: Declares) -> str:
    """Return in one line what of the suite fits neither columns nor label; empty: everything fits."""
    if said := _file_misfit(behaviour.functions):
        return f"behaviour.functions {said}"
    for case in behaviour.cases:
        if isinstance(case, Minimum):
            said = next((said for one in case.examples if (said := _example(one, spec))), "")
        elif isinstance(case, Direction):
            said = _direction(case, spec)
        elif isinstance(case, Robustness):
            said = _robustness(case, spec)
        else:
            said = next((said for one in case.set if (said := _row(one, spec))), "")
        if said:
            return f"behaviour.{case.kind}: case {case.name!r} {said}"
    return ""


def value_misfit(value: Any, kind: str) -> str:
    """Return what is wrong with `value` for a column of this type; null, which is missing, fits all."""
    if value is None or _fits(value, kind):
        return ""
    wants = {"int64": "a whole number", "float64": "a finite number", "string": "text"}
    wants |= {"bool": "true or false", "timestamp": "a time like 2013-10-01T00:00:00Z"}
    quotes = QUOTES if kind == "string" else ""
    return f"is {value!r}, but the column is {kind}: give {wants.get(kind, kind)}{quotes}"


def _fits(value: Any, kind: str) -> bool:
    if width := vector_width(kind):
        return isinstance(value, list) and len(value) == width and all(_number(v) for v in value)
    if kind == "timestamp":
        return _is_time(value)
    if kind == "int64":
        return isinstance(value, int) and not isinstance(value, bool)
    if kind == "float64":
        return _number(value)
    return isinstance(value, bool if kind == "bool" else str)


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _is_time(value: Any) -> bool:
    if isinstance(value, date):  # A datetime is one.
        return True
    try:
        datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return False
    return True


def _file_misfit(path: str) -> str:
    file = PurePosixPath(path)
    if path and (file.is_absolute() or ".." in file.parts or file.suffix != ".py"):
        return f"is {path!r}; name a .py file in the pipeline's folder"
    return ""


def _column(name: str, spec: Declares) -> str:
    if name in (spec.label.column, spec.label.weight):
        what = "label" if name == spec.label.column else "weight"
        return f"names {name!r}, which is the {what}; no model reads it"
    if name not in spec.columns and not spec.events:  # Else it may be an aggregate.
        return f"names the column {name!r}; columns: {', '.join(spec.columns)}"
    return ""


def _row(row: Mapping[str, Any], spec: Declares) -> str:
    for name, value in row.items():
        # An aggregate is a number.
        said = _column(name, spec) or value_misfit(value, spec.columns.get(name, "float64"))
        if said:
            return said if said.startswith("names") else f"{name!r} {said}"
    return ""


def _direction(case: Direction, spec: Declares) -> str:
    name, label = case.column, spec.label
    kind = spec.columns.get(name, "float64")
    if name in spec.unused or name in spec.known_after:
        return f"names {name!r}, which no feature may use; name a column that the model reads"
    if case.add is not None and kind not in NUMBERS:
        return f"adds to {name!r}, which is {kind}; give `set`"
    if case.add is not None and kind == "int64" and not case.add.is_integer():
        return f"adds {case.add:g} to {name!r}, which is int64; add a whole number"
    if label.task == "multiclass" and case.of not in label.classes:
        return f"says of {case.of!r}; set `of` to the class meant: {', '.join(label.classes)}"
    if label.task != "multiclass" and case.of:
        return "sets `of`, which is for labels of several classes; remove it"
    return _row({name: case.set}, spec)


def _robustness(case: Robustness, spec: Declares) -> str:
    for name in case.columns:
        if said := _column(name, spec):
            return said
        kind = spec.columns.get(name, "float64")
        if case.change == "noise" and kind not in NUMBERS:
            return f"adds noise to {name!r}, which is {kind}; name columns of numbers"
    return ""


def _example(example: Example, spec: Declares) -> str:
    return _row(example.row, spec) or _answer(example, spec.label)


def _answer(example: Example, label: Label) -> str:
    answer, bounds = example.answer, (example.at_least, example.at_most)
    if label.task == "regression":
        return (
            "gives `answer` for a number; give at_least and at_most" if answer is not None else ""
        )
    if answer is not None and not isinstance(answer, str):
        return f"answers {answer!r}; write the class as text, in quotes"
    if label.task == "multiclass":
        if answer not in label.classes:
            return f"answers {answer!r}; classes: {', '.join(label.classes)}"
        return (
            ""
            if bounds == (None, None)
            else "gives at_least or at_most for one of several classes; give `answer` alone"
        )
    if any(bound is not None and not 0 <= bound <= 1 for bound in bounds):
        return "gives a probability outside of 0 to 1"
    return ""
