"""Which files of a pipeline train again: those of the commit, and no others."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from mlplatform.errors import ReproductionError
from mlplatform.lake import Lake
from mlplatform.provenance import pipeline_code
from mlplatform.provenance.reproduce import _environ, _folder
from mlplatform.spec import load_pipeline
from mlplatform_tests.small import small_pipeline


def recorded(tmp_path: Path, root: Path) -> Any:
    """Return what is on record of a model of the small pipeline below `tmp_path`."""
    pipeline = load_pipeline(small_pipeline(tmp_path / "pipelines"))
    lake = Lake(tmp_path / "lake")
    code = lake.artifacts.open(pipeline_code.put(pipeline, root, lake.artifacts))
    around = {"xla_flags": ["--xla_a=1"], "autotune": "autotune.textproto"}
    return SimpleNamespace(
        code=code, commit="ab" * 20, around=around, autotune=b"kernels", platform="gpu"
    )


def test_the_commits_own_folder_is_taken_with_all_that_lies_in_it(tmp_path: Path):
    of = recorded(tmp_path, root=tmp_path)
    folder = _folder(of, tmp_path, tmp_path / "apart")
    assert folder == tmp_path / "pipelines" / "census_income"


def test_a_commit_with_other_files_than_trained_is_refused(tmp_path: Path):
    of = recorded(tmp_path, root=tmp_path)
    (tmp_path / "pipelines" / "census_income" / "features.py").write_text("evil = 1")
    with pytest.raises(ReproductionError, match=r"not what was trained from: features\.py; git"):
        _folder(of, tmp_path, tmp_path / "apart")


def test_a_folder_outside_of_the_checkout_is_written_from_the_record(tmp_path: Path):
    of = recorded(tmp_path, root=tmp_path / "checkout")
    folder = _folder(of, tmp_path, tmp_path / "apart")
    assert {path.name for path in folder.iterdir()} == {"behaviour.py", "defs.yaml", "features.py"}


def test_a_recorded_name_leads_nowhere_else(tmp_path: Path):
    lake = Lake(tmp_path / "lake")
    facts = {"folder": "", "names": {"x.py": "../x.py"}}
    code = lake.artifacts.open(lake.artifacts.put({"x.py": b"", "spec.json": b"{}"}, facts))
    with pytest.raises(ReproductionError, match=r"'\.\./x\.py', which is no file name"):
        _folder(SimpleNamespace(code=code), tmp_path, tmp_path / "apart")


def test_the_training_gets_the_recorded_flags_and_kernels_and_nothing_of_the_callers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    for name in ("XLA_FLAGS", "JAX_ENABLE_X64", "MLPLATFORM_LAKE", "PYTHONPATH", "GIT_DIR"):
        monkeypatch.setenv(name, "of the caller")
    of = recorded(tmp_path, root=tmp_path)
    environ = _environ(of, tmp_path / "code", tmp_path)
    assert environ["PYTHONPATH"] == str(tmp_path / "code")
    kernels = tmp_path / "autotune.textproto"
    assert environ["XLA_FLAGS"] == f"--xla_a=1 --xla_gpu_load_autotune_results_from={kernels}"
    assert kernels.read_bytes() == b"kernels"
    assert not {"JAX_ENABLE_X64", "MLPLATFORM_LAKE", "GIT_DIR", "JAX_PLATFORMS"} & environ.keys()
    of.platform, of.autotune = "cpu", None
    environ = _environ(of, tmp_path / "code", tmp_path)
    assert (environ["JAX_PLATFORMS"], environ["XLA_FLAGS"]) == ("cpu", "--xla_a=1")
