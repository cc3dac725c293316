import sys
from pathlib import Path

import pytest

from mlplatform.errors import SpecError
from mlplatform.features.load import load_feature_set
from mlplatform.spec import load_pipeline
from mlplatform_tests.features import people

HEAD = "from mlplatform.features import Categorical, FeatureSet, Numeric\n"


def load(folder: Path, text: str):
    (folder / "features.py").write_text(text)
    columns = people.COLUMNS | {"spent": "float64", "since": "timestamp", "active": "bool"}
    changes = {"columns": columns, "known_after": {"spent": "billed later"}}
    return load_feature_set(people.pipeline(folder, **changes))


def one(feature: str) -> str:
    return f"{HEAD}features = FeatureSet([{feature}])\n"


def test_the_census_features_read_declared_columns_only(root):
    pipeline = load_pipeline(root / "pipelines/census_income")
    columns = load_feature_set(pipeline).columns
    assert "capital_gain" in columns
    assert not {"income", "fnlwgt", "education"} & set(columns)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (f"{HEAD}\nfeatures = FeatureSet([", r"features\.py:3: SyntaxError"),
        (f"{HEAD}\n\n1 / 0\n", r"features\.py:4: ZeroDivisionError: division by zero"),
        (f"{HEAD}def f():\n    return {{}}['x']\nf()\n", r"features\.py:3: KeyError"),
        (one("Numeric('age', bins=-1)"), r"features\.py:2: feature 'age': bins=-1"),
        ("import nowhere\n", r"features\.py:1: ModuleNotFoundError"),
        (HEAD, r"features\.py: define `features = FeatureSet"),
        (one("Numeric('aeg')"), "feature 'aeg' reads 'aeg', which is no column; columns: age"),
        (one("Categorical('member')"), "feature 'member' reads 'member', which is the label"),
        (one("Categorical('email')"), "the spec leaves unused: identifies a person"),
        (one("Numeric('spent')"), "'spent', which is known only after the event: billed later"),
        (one("Categorical('spent')"), "'spent', which is known only after the event: billed"),
        (one("Numeric('since')"), "which is timestamp; times cannot be features yet: let the"),
        (one("Categorical('since')"), "which is timestamp; times cannot be features yet: let"),
        (one("Numeric('active')"), "'active', which is bool; Numeric takes int64 or float64"),
        (one("Numeric('city')"), "'city', which is string; Numeric takes int64 or float64"),
        (one("Categorical('income')"), "'income', which is float64; Categorical takes string or"),
    ],
)
def test_a_wrong_features_file_is_one_line_with_the_place(tmp_path, text, said):
    with pytest.raises(SpecError, match=said) as caught:
        load(tmp_path, text)
    assert "\n" not in str(caught.value)


def test_a_missing_features_file_says_so(tmp_path):
    with pytest.raises(SpecError, match=r"features\.py: not found"):
        load_feature_set(people.pipeline(tmp_path))


def test_an_edit_shows_at_once_and_nothing_is_left_behind(tmp_path):
    """Cached bytecode is chosen by size and second, so an edit of equal length would be missed."""
    assert load(tmp_path, one("Numeric('age', bins=4)")).features[0].bins == 4
    assert load(tmp_path, one("Numeric('age', bins=8)")).features[0].bins == 8
    assert [path.name for path in tmp_path.iterdir()] == ["features.py"]
    assert not [name for name in sys.modules if "mlplatform_pipeline" in name]


def test_two_pipelines_may_both_have_a_features_file(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    load(tmp_path / "a", one("Numeric('age')"))
    assert load(tmp_path / "b", one("Numeric('rooms')")).columns == ("rooms",)
    assert load(tmp_path / "a", one("Numeric('age')")).columns == ("age",)


def test_a_features_file_may_define_classes_that_look_up_their_module(tmp_path):
    text = (
        "from __future__ import annotations\nfrom dataclasses import dataclass\n"
        "@dataclass\nclass Bins:\n    age: int = 4\n"
    )
    body = text + HEAD + "features = FeatureSet([Numeric('age', bins=Bins().age)])\n"
    assert load(tmp_path, body).features[0].bins == 4
