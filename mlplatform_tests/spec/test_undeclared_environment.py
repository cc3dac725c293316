"""A name that no pipeline declares is told: a misspelt one is not in force without anybody knowing."""

import logging
from pathlib import Path

import pytest

from mlplatform.cli.doctor import _environment
from mlplatform.settings import Settings
from mlplatform.spec import load_pipelines

SPEC = """type: assets.MLPipeline
attributes:
  name: people
  source: {kind: csv, files: [a.csv]}
  columns: {city: string, member: string}
  label: {column: member, positive: "yes"}
"""
DECLARES = SPEC + "  environments: {production: {}}\n"


def written(tmp_path: Path, spec: str) -> Path:
    (tmp_path / "pipelines" / "people").mkdir(parents=True)
    (tmp_path / "pipelines" / "people" / "defs.yaml").write_text(spec)
    return tmp_path / "pipelines"


def said(tmp_path: Path, name: str):
    return _environment(Settings.from_environment({"MLPLATFORM_ENVIRONMENT": name}, tmp_path))


def test_a_name_that_nobody_declares_is_one_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    folder = written(tmp_path, SPEC)
    with caplog.at_level(logging.WARNING):
        load_pipelines(folder, "prodution")
    [warning] = caplog.messages
    assert "MLPLATFORM_ENVIRONMENT is 'prodution'" in warning
    assert "(none known)" in warning
    found = said(tmp_path, "prodution")
    assert (found.fine, found.says) == (False, warning)


@pytest.mark.parametrize(("spec", "name"), [(SPEC, ""), (DECLARES, "production")])
def test_no_name_and_a_declared_one_are_fine(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, spec: str, name: str
):
    folder = written(tmp_path, spec)
    load_pipelines(folder, name)
    assert caplog.messages == []
    assert said(tmp_path, name).fine
