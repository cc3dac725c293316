"""The examples in docs/labels.md are specs that hold."""

import re
from pathlib import Path

import pytest
import yaml

from mlplatform.features.predicts import Predicts
from mlplatform.spec import validate
from mlplatform_tests.conftest import ROOT
from mlplatform_tests.models import LABELS

PAGE = (ROOT / "docs/labels.md").read_text(encoding="utf-8")
EXAMPLES = [yaml.safe_load(text) for text in re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)]
COLUMNS = {"income": "string", "kind": "string", "spending": "float64", "times": "int64"}


@pytest.mark.parametrize("example", EXAMPLES)
def test_every_example_is_what_a_spec_may_say(example):
    number = {"label": {"column": "spending", "task": "regression"}}
    source = {"kind": "csv", "files": ["a.csv"]}
    said = {"name": "p", "source": source, "columns": COLUMNS, **number, **example}
    assert validate(said, Path("defs.yaml")).label.column in COLUMNS


def test_every_task_has_an_example_and_its_names_in_the_table():
    asked = [example["label"] for example in EXAMPLES if "label" in example]
    shown = {(one.get("task", "binary"), bool(one.get("quantiles"))) for one in asked}
    assert shown == {(one.task, bool(one.quantiles)) for one in LABELS.values()}
    for label in LABELS.values():
        predicts = Predicts.of(label)
        assert f"`{predicts.name}` f32[rows" in PAGE
        assert f"`{predicts.metric}`" in PAGE
