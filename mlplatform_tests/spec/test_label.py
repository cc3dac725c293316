"""What a spec may say of its label and of what rows weigh."""

from pathlib import Path
from typing import Any

import pytest

from mlplatform.errors import SpecError
from mlplatform.spec import PipelineSpec, validate

COLUMNS = {"size": "int64", "kind": "string", "cost": "float64", "at": "timestamp", "ok": "bool"}


def spec(**label: Any) -> PipelineSpec:
    said = {"name": "p", "source": {"kind": "csv", "files": ["p.csv"]}, "columns": COLUMNS}
    return validate({**said, "label": label}, Path("defs.yaml"))


@pytest.mark.parametrize(
    "label",
    [
        {"column": "kind", "positive": "yes"},
        {"column": "kind", "positive": "yes", "weight": "size"},
        {"column": "ok", "positive": "true", "weight": "cost"},
        {"column": "kind", "task": "multiclass", "classes": ["a", "b", "c"]},
        {"column": "size", "task": "multiclass", "classes": ["1", "2"]},
        {"column": "cost", "task": "regression"},
        {"column": "size", "task": "regression", "quantiles": [0.1, 0.5, 0.9]},
    ],
)
def test_a_label_of_each_task_is_valid(label):
    assert spec(**label).label.task == label.get("task", "binary")


@pytest.mark.parametrize(
    ("label", "said"),
    [
        ({"column": "kind"}, "label.task is 'binary'; set label.positive"),
        ({"column": "kind", "task": "multiclass"}, "set label.classes"),
        ({"column": "kind", "task": "multiclass", "classes": ["a", "a"]}, "names a class twice"),
        ({"column": "kind", "task": "multiclass", "classes": ["a"]}, "has one class"),
        ({"column": "cost", "task": "regression", "positive": "1"}, "is for the task 'binary'"),
        ({"column": "cost", "task": "regression", "classes": ["1", "2"]}, "is for the task 'multi"),
        ({"column": "kind", "positive": "y", "quantiles": [0.5]}, "is for the task 'regression'"),
        ({"column": "cost", "task": "regression", "quantiles": [0.9, 0.1]}, "must rise"),
        (
            {"column": "kind", "task": "regression"},
            "label.column 'kind' is string; for the task 'regression' it is int64 or float64",
        ),
        (
            {"column": "cost", "task": "multiclass", "classes": ["1", "2"]},
            "label.column 'cost' is float64; for the task 'multiclass' it is string or int64 or bool",
        ),
        ({"column": "kind", "positive": "y", "weight": "ok"}, "label.weight 'ok' is bool; it is int64"),
        ({"column": "kind", "positive": "y", "weight": "mass"}, "label.weight names the column 'mass'"),
        ({"column": "size", "positive": "1", "weight": "size"}, "label.weight names the label itself"),
    ],
)  # fmt: skip
def test_a_label_that_says_too_little_or_too_much_is_refused(label, said):
    with pytest.raises(SpecError, match=r"^defs\.yaml: ") as raised:
        spec(**label)
    assert said in str(raised.value)
