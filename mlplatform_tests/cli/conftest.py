"""A checkout with one pipeline and its lake, and commands run in this process."""

from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner, Result

from mlplatform.lake import Lake, Lineage, Version
from mlplatform.spec import Pipeline, load_pipeline
from mlplatform.validate.record import Profile, to_table
from mlplatform.validate.schema import store
from mlplatform.validate.schema_rules import constrained
from mlplatform_tests.validate.conftest import people
from mlplatform_tests.validate.test_acceptance import scan_of

WHO = Lineage(asset="people/dataset", run_id="run-1", code_version="test")
SPEC = """type: assets.MLPipeline
attributes:
  name: people
  source: {kind: csv, files: [a.csv]}
  columns: {city: string, age: int64, height: float64, member: string}
  label: {column: member, positive: "yes"}
"""

Run = Callable[..., Result]


def invoked(app: typer.Typer, *words: object) -> Result:
    """Run a command; an exception that no user can cause is raised."""
    shown = CliRunner().invoke(app, [str(word) for word in words])
    mistake = shown.exception
    if mistake is not None and not isinstance(mistake, SystemExit):
        raise mistake
    return shown


@pytest.fixture
def lake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lake:
    """The lake of the checkout that is the working directory."""
    for name in ("definitions.py", "workspace.yaml"):
        (tmp_path / name).touch()
    (tmp_path / "pipelines" / "people").mkdir(parents=True)
    (tmp_path / "pipelines" / "people" / "defs.yaml").write_text(SPEC)
    monkeypatch.chdir(tmp_path)
    return Lake(tmp_path / ".mlplatform" / "lake")


@pytest.fixture
def pipeline(lake: Lake, tmp_path: Path) -> Pipeline:
    """The pipeline of that checkout."""
    return load_pipeline(tmp_path / "pipelines" / "people")


@pytest.fixture
def profiled(lake: Lake, pipeline: Pipeline) -> Callable[..., Version]:
    """Writes a version of the dataset with so many rows, and a profile of little content."""

    def write(rows: int, proposed: str = "") -> Version:
        version = lake.table(pipeline.table("dataset")).overwrite(people(rows), WHO)
        accepted = store(lake, constrained(b"", pipeline.spec))
        said = {
            "dataset": version.reference,
            "dataset_digest": version.digest,
            "scan": scan_of(lake, rows),
            "schema": accepted,
            "proposed_schema": proposed or accepted,
        }
        profile = Profile(**{f.name: said.get(f.name, _nothing(f.type)) for f in fields(Profile)})
        kept = lake.table(pipeline.table("statistics"))
        kept.append(to_table(replace(profile, rows=rows)), WHO, token=version.digest)
        return version

    return write


def _nothing(annotation: object) -> Any:
    """An empty value of a field that these commands do not look at."""
    return {"str": "", "int": 0, "float": 0.0}.get(getattr(annotation, "__name__", ""), ())
