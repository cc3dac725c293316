"""Whether all that a model was made by is in a commit."""

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from mlplatform.errors import GateRefusedError
from mlplatform.lake import Lake, Version
from mlplatform.provenance import pipeline_code
from mlplatform.provenance.code import code_identity
from mlplatform.provenance.committed import code_of, require_all_committed, require_in_commit
from mlplatform.spec import load_pipeline
from mlplatform_tests.provenance.registered import COMMIT, Durable, Registered
from mlplatform_tests.provenance.test_code import git
from mlplatform_tests.small import CENSUS


def judged(made: Registered) -> list[Version]:
    """Return the versions that a registration names."""
    return [made.data[noun] for noun in ("model", "evaluation", "gate_verdict")]


@pytest.fixture
def made(tmp_path: Path) -> Registered:
    """A model whose features alone were made by uncommitted code."""
    made = Registered(Durable(Lake(tmp_path / "lake")))
    made.land()
    read = {made.data[n].table: made.data[n].reference for n in ("dataset", "split")}
    made.dirty = True
    who = made.lineage("features", "dataset", "split")
    assert dict(who.inputs) == read
    made.data["features"] = made.writer.overwrite(
        "census/features", made.writer.lake.table("census/dataset").read(), who
    )
    made.dirty = False
    made.model()
    return made


def test_a_model_of_features_that_no_commit_made_is_registered_in_local_development_alone(
    made: Registered,
):
    lake = Lake(made.writer.lake.root)
    for environment in ("", "local", "development"):
        require_all_committed(lake, environment, *judged(made))
    reference = made.data["features"].reference
    why = rf"census/features {reference} was made by uncommitted code .*make census/features again"
    with pytest.raises(GateRefusedError, match=why):
        require_all_committed(lake, "production", *judged(made))


def test_the_asset_asks_for_the_code_behind_every_version_and_for_the_pipelines_own(
    made: Registered, monkeypatch: pytest.MonkeyPatch
):
    from assets.registered_model import _candidate

    monkeypatch.setenv("MLPLATFORM_ENVIRONMENT", "production")
    pipeline: Any = None  # It is asked for nothing before that.
    with pytest.raises(GateRefusedError, match=r"census/features .* was made by uncommitted code"):
        _candidate(made.writer.lake, pipeline, *judged(made))
    made.land()
    made.model()
    with pytest.raises(GateRefusedError, match="pipeline's code lay outside of the checkout"):
        _candidate(made.writer.lake, pipeline, *judged(made))


def test_a_model_of_committed_code_all_the_way_from_its_source_may_be_registered(tmp_path: Path):
    made = Registered(Durable(Lake(tmp_path / "lake")))
    made.land()
    made.model()
    require_all_committed(made.writer.lake, "production", *judged(made))
    assert set(code_of(made.writer.lake, *judged(made)).values()) == {COMMIT}


def test_the_code_of_a_version_that_is_gone_is_not_on_record_and_no_commit(made: Registered):
    root = Path(made.writer.lake.root)
    shutil.rmtree(root / "census" / "source")
    lake = Lake(root)
    assert code_of(lake, *judged(made))[f"census/source {made.data['source'].reference}"] == ""
    shutil.rmtree(root / "census" / "features")
    with pytest.raises(GateRefusedError, match=r"census/features .* by code that is not on record"):
        require_all_committed(Lake(root), "production", *judged(made))


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A repository with the census pipeline's code, the checkout being a folder in it."""
    root = tmp_path / "repository" / "inner"
    folder = root / "pipelines" / "census_income"
    folder.mkdir(parents=True)
    for file in [*CENSUS.glob("*.py"), CENSUS / "defs.yaml"]:
        shutil.copy(file, folder)
    git(tmp_path, "init", "-q", "repository")
    git(root, "add", ".")
    git(root, "commit", "-qm", "a")
    return root


def model(tmp_path: Path, checkout: Path, folder: Path) -> Registered:
    """Return a model that was trained by the files of a folder, at the commit of the checkout."""
    lake = Lake(tmp_path / "lake")
    code = pipeline_code.put(load_pipeline(folder), checkout, lake.artifacts)
    commit = code_identity(checkout).commit
    made = Registered(Durable(lake), commit=commit, facts={pipeline_code.FACT: code})
    made.land()
    made.model()
    return made


def refused(made: Registered, checkout: Path) -> str:
    """Return why a model is not registered in production, "" if it is; in local development it is."""
    subject = made.data["model"]
    require_in_commit(made.writer.lake, subject, "local", checkout)
    try:
        require_in_commit(made.writer.lake, subject, "production", checkout)
    except GateRefusedError as wrong:
        return str(wrong)
    return ""


def test_files_that_are_those_of_the_commit_may_train_what_is_registered(
    tmp_path: Path, checkout: Path
):
    made = model(tmp_path, checkout, checkout / "pipelines" / "census_income")
    assert refused(made, checkout) == ""


def test_a_pipeline_outside_of_the_checkout_is_in_no_commit(tmp_path: Path, checkout: Path):
    away = tmp_path / "away" / "census_income"
    shutil.copytree(checkout / "pipelines" / "census_income", away)
    said = refused(model(tmp_path, checkout, away), checkout)
    assert "lay outside of the checkout, so it is in no commit of it" in said


def test_a_file_that_git_ignores_is_named(tmp_path: Path, checkout: Path):
    folder = checkout / "pipelines" / "census_income"
    (checkout.parent / ".git" / "info").mkdir(exist_ok=True)
    (checkout.parent / ".git" / "info" / "exclude").write_text("ignored.py\n/inner/more\n")
    (folder / "ignored.py").write_text("x = 1\n")
    assert not code_identity(checkout).dirty
    assert refused(model(tmp_path, checkout, folder), checkout).count("has: ignored.py;") == 1


def test_a_folder_that_git_ignores_is_in_no_commit(tmp_path: Path, checkout: Path):
    (checkout.parent / ".git" / "info" / "exclude").write_text("/inner/more\n")
    folder = checkout / "more" / "census_income"
    shutil.copytree(checkout / "pipelines" / "census_income", folder)
    assert not code_identity(checkout).dirty
    said = refused(model(tmp_path, checkout, folder), checkout)
    assert "more/census_income is not what commit" in said
    assert "defs.yaml" in said


def test_a_file_of_the_commit_that_did_not_train_is_named_too(tmp_path: Path, checkout: Path):
    folder = checkout / "pipelines" / "census_income"
    made = model(tmp_path, checkout, folder)
    (folder / "late.py").write_text("x = 1\n")
    git(checkout, "add", ".")
    git(checkout, "commit", "-qm", "b")
    told = ["git", "-C", str(checkout), "rev-parse", "HEAD"]
    later = subprocess.run(told, capture_output=True, text=True, check=True).stdout.strip()
    made.commit = later
    made.model()
    assert "has: late.py" in refused(made, checkout)


def test_a_model_without_a_record_of_its_pipelines_code_is_not_registered(
    tmp_path: Path, checkout: Path
):
    made = Registered(Durable(Lake(tmp_path / "lake")), facts=None)
    made.land()
    made.model()
    assert "is not on record" in refused(made, checkout)
