"""What docs/behaviour.md shows is taken as it stands."""

import re
from pathlib import Path

import numpy as np
import yaml

from mlplatform.evaluate.behaviour import behaviour
from mlplatform.evaluate.behaviour_functions import functions_of
from mlplatform.spec.behaviour_rules import misfit
from mlplatform.spec.trust_gates import BehaviourGate
from mlplatform_tests.conftest import ROOT
from mlplatform_tests.evaluate.test_behaviour import ages, people, pipeline

PAGE = (ROOT / "docs" / "behaviour.md").read_text()
COLUMNS = {"name": "string", "age": "int64", "education_num": "int64", "income": "string"}


def shown(language: str) -> str:
    found = re.search(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
    assert found is not None
    return found[1]


def test_the_suite_and_the_function_on_the_page_are_tried(tmp_path: Path):
    (tmp_path / "behaviour.py").write_text(shown("python"))
    suite = yaml.safe_load(shown("yaml"))["behaviour"]
    label = {"column": "income", "positive": ">50K"}
    shop = pipeline(tmp_path, suite, columns=COLUMNS, label=label)
    assert misfit(shop.spec.behaviour, shop.spec) == ""
    assert [one.name for one in functions_of(shop)] == ["education pays on average"]
    table = people().append_column("education_num", [np.arange(1000) % 16 + 1])
    table = table.append_column("income", [np.where(ages(table) > 40, ">50K", "<=50K")])

    def predict(rows):
        years = rows["education_num"].fill_null(7).to_numpy()
        return 1 / (1 + np.exp(3 + (45 - ages(rows)) / 10 - years / 10))

    seen = behaviour(shop, predict, table, np.zeros(1000), BehaviourGate()).cases
    assert [(case.name, case.error) for case in seen if case.error] == []
    assert {case.kind for case in seen} == {
        *("invariance", "direction", "minimum", "robustness", "function"),
    }
