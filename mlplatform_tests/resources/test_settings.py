"""The environment is read once, into one value."""

from pathlib import Path

import pytest

from mlplatform.errors import PlatformError
from mlplatform.settings import Settings, find_root


def test_everything_lies_in_one_ignored_folder_by_default(tmp_path: Path):
    settings = Settings.from_environment({}, tmp_path)
    places = [
        settings.lake,
        settings.mlflow_uri.removeprefix("sqlite:///"),
        str(settings.dagster_home),
        str(settings.compile_cache),
        str(settings.alert_log),
    ]
    assert all(place.startswith(f"{tmp_path}/.mlplatform/") for place in places)


def test_one_setting_moves_all_of_it(tmp_path: Path):
    settings = Settings.from_environment({"MLPLATFORM_HOME": "/elsewhere"}, tmp_path)
    assert settings.lake == "/elsewhere/lake"
    assert settings.mlflow_uri == "sqlite:////elsewhere/mlflow/mlflow.db"
    assert settings.dagster_home == Path("/elsewhere/dagster")


def test_the_lake_alone_can_be_moved_to_s3(tmp_path: Path):
    settings = Settings.from_environment({"MLPLATFORM_LAKE": "s3://bucket/lake"}, tmp_path)
    assert settings.lake == "s3://bucket/lake"
    assert settings.home == tmp_path / ".mlplatform"


def test_the_checkout_is_found_from_a_folder_below_it(tmp_path: Path):
    for name in ("definitions.py", "workspace.yaml"):
        (tmp_path / name).touch()
    below = tmp_path / "pipelines" / "x"
    below.mkdir(parents=True)
    assert find_root(below) == tmp_path


def test_outside_a_checkout_the_error_says_where_to_go(tmp_path: Path):
    with pytest.raises(PlatformError, match="not inside a checkout; go to the folder with"):
        find_root(tmp_path)


def test_an_empty_variable_is_one_that_is_not_set(tmp_path: Path):
    """Continuous integration often passes unset inputs as empty strings."""
    names = ("HOME", "LAKE", "MLFLOW_URI", "PIPELINES", "EXECUTOR", "TFDV_PYTHON")
    empty = {f"MLPLATFORM_{name}": "" for name in names}
    assert Settings.from_environment(empty, tmp_path) == Settings.from_environment({}, tmp_path)


def test_a_relative_lake_is_the_same_one_from_every_folder(tmp_path: Path):
    settings = Settings.from_environment({"MLPLATFORM_LAKE": "my/lake"}, tmp_path)
    assert settings.lake == f"{tmp_path}/my/lake"


def test_the_environment_whose_gates_are_in_force_is_named(tmp_path: Path):
    named = Settings.from_environment({"MLPLATFORM_ENVIRONMENT": "production"}, tmp_path)
    assert named.environment == "production"
    assert Settings.from_environment({}, tmp_path).environment == ""
