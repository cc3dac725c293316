"""The examples in docs/sources.md are specs that hold."""

import re

import pytest
import yaml

from mlplatform.spec.source import AnySource
from mlplatform_tests.ingest.conftest import ROOT, make_spec

PAGE = (ROOT / "docs/sources.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
COLUMNS = {"id": "int64", "changed": "timestamp", "paid": "bool"}


@pytest.mark.parametrize("example", EXAMPLES)
def test_every_example_is_a_source_that_a_spec_may_have(example: str) -> None:
    said = yaml.safe_load(example)
    label = {"column": "paid", "positive": "true"}
    spec = make_spec(columns=COLUMNS, key=["id"], label=label, **said)
    assert spec.source.kind == said["source"]["kind"]


def test_every_kind_of_source_has_an_example() -> None:
    kinds = {
        kind.model_fields["kind"].annotation.__args__[0] for kind in AnySource.__args__[0].__args__
    }
    assert {yaml.safe_load(example)["source"]["kind"] for example in EXAMPLES} == kinds
