"""The catalogue at the command line, from declarations alone and from the lake."""

import json
from datetime import UTC, datetime

import pytest

from mlplatform.cli.features import app
from mlplatform.errors import FeatureError, SourceError
from mlplatform.rollout.events import Event, Kind, append
from mlplatform_tests.cli.conftest import SPEC, WHO, invoked
from mlplatform_tests.features.test_catalogue import registered

FEATURES = """from mlplatform.features import Categorical, FeatureSet, Numeric
features = FeatureSet([
    Numeric('age', bins=4, description='Years\\x1b[2J lived.'), Categorical('city', owner='team:maps')
])
"""


@pytest.fixture
def checkout(lake, tmp_path):
    """The checkout with a features file, and a second pipeline that shares it."""
    (tmp_path / "pipelines" / "people" / "features.py").write_text(FEATURES)
    other = tmp_path / "pipelines" / "others"
    other.mkdir()
    spec = SPEC.replace("name: people", "name: others\n  features: ../people/features.py")
    (other / "defs.yaml").write_text(spec)
    return lake


def test_features_are_listed_before_anything_was_materialised(checkout):
    shown = invoked(app, "list", "people").output
    assert all(word in shown for word in ("age", "Numeric", "float[≤4] + missing", "team:maps"))
    assert ("others" in shown, "models" in shown) == (False, False)
    everything = invoked(app, "list").output
    assert ("others" in everything, "people" in everything) == (True, True)


def test_one_feature_is_shown_with_no_control_character(checkout):
    shown = invoked(app, "show", "people", "age").output
    assert "\x1b" not in shown
    for line in ("description  Years\\x1b[2J lived.", "column       age int64, at prediction"):
        assert line in shown
    assert str(checkout) not in shown


def deploy(lake, pipeline, digest):
    event = Event(
        kind=Kind.DEPLOYED, model_digest=digest, model_version=1, percent=100.0, by="me",
        reason="first", at=datetime.now(UTC),
    )  # fmt: skip
    append(lake.table(f"{pipeline}/deployment"), event, WHO, token=digest)


def test_models_of_every_pipeline_that_shares_the_file_are_named(checkout):
    digest = registered(checkout, "others", ["age"])
    deploy(checkout, "others", digest)
    assert "model        others v1 (champion)" in invoked(app, "show", "people", "age").output
    assert "others v1" not in invoked(app, "show", "people", "city").output
    shown = invoked(app, "list", "people").output
    assert "others v1 (champion)" in shown


def test_machines_get_json(checkout):
    registered(checkout, "people", ["age"])
    told = json.loads(invoked(app, "show", "people", "age", "--json").output)
    assert (told["name"], told["kind"], told["statistics"]) == ("age", "Numeric", None)
    assert told["models"] == [{"pipeline": "people", "model_version": 1, "live": ""}]
    everything = json.loads(invoked(app, "list", "--json").output)
    assert {name: len(told) for name, told in everything.items()} == {"people": 2, "others": 2}
    assert list(json.loads(invoked(app, "list", "people", "--json").output)) == ["people"]


def test_a_feature_or_pipeline_that_is_not_there_is_an_error(checkout):
    with pytest.raises(FeatureError, match="people has no feature 'height'; known: age, city"):
        invoked(app, "show", "people", "height")
    with pytest.raises(SourceError, match="no pipeline 'nobody'; known: others, people"):
        invoked(app, "list", "nobody")
