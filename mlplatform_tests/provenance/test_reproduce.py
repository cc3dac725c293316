"""Which files of a pipeline train again: those of the commit, and no others."""

import json
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from mlplatform.cli.reproduce import run
from mlplatform.errors import ReproductionError
from mlplatform.lake import Lake
from mlplatform.provenance import pipeline_code, surroundings_read
from mlplatform.provenance import reproduce as module
from mlplatform.provenance.interpreter import Tools
from mlplatform.provenance.pipeline_code import laid_out
from mlplatform.provenance.reproduce import Workshop, _environ, reproduce
from mlplatform.rollout.find import find
from mlplatform.settings import Settings
from mlplatform.spec import load_pipeline
from mlplatform_tests.provenance.registered import Durable, Registered
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
    folder = laid_out(of.code, of.commit, tmp_path, tmp_path / "apart")
    assert folder == tmp_path / "pipelines" / "census_income"


def test_a_commit_with_other_files_than_trained_is_refused(tmp_path: Path):
    of = recorded(tmp_path, root=tmp_path)
    (tmp_path / "pipelines" / "census_income" / "features.py").write_text("evil = 1")
    with pytest.raises(ReproductionError, match=r"not what was trained from: features\.py; git"):
        laid_out(of.code, of.commit, tmp_path, tmp_path / "apart")


def test_a_folder_outside_of_the_checkout_is_written_from_the_record(tmp_path: Path):
    of = recorded(tmp_path, root=tmp_path / "checkout")
    folder = laid_out(of.code, of.commit, tmp_path, tmp_path / "apart")
    assert {path.name for path in folder.iterdir()} == {"behaviour.py", "defs.yaml", "features.py"}


def test_a_recorded_name_leads_nowhere_else(tmp_path: Path):
    lake = Lake(tmp_path / "lake")
    facts = {"folder": "", "names": {"x.py": "../x.py"}}
    code = lake.artifacts.open(lake.artifacts.put({"x.py": b"", "spec.json": b"{}"}, facts))
    with pytest.raises(ReproductionError, match=r"'\.\./x\.py', which is no file name"):
        laid_out(code, "ab" * 20, tmp_path, tmp_path / "apart")


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
    of.around["xla_flags"] += ["--xla_dump_to=/tmp", "--xla_gpu_cuda_data_dir=/usr", "/flags"]
    of.platform, of.autotune = "cpu", None
    environ = _environ(of, tmp_path / "code", tmp_path)
    assert (environ["JAX_PLATFORMS"], environ["XLA_FLAGS"]) == ("cpu", "--xla_a=1")


class Stopped(Exception):  # noqa: N818  It stands for the training that would begin.
    """The record was good enough to train by."""


@pytest.fixture
def registered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Registered:
    """A pipeline whose models have everything on record that their making needs; no training begins."""

    def stop(*_: object) -> None:
        raise Stopped

    monkeypatch.setattr(module, "require_commit", lambda *_: None)
    monkeypatch.setattr(module, "_made", stop)
    made = Registered(Durable(Lake(tmp_path / "lake")))
    scan = made.writer.put({"scan.json": b"{}"})
    state = made.writer.put({"state.json": b"{}"})
    made.facts = {"scan": scan, "state": state}
    made.land()
    who = made.lineage("features", "dataset", "split", facts={"state": state})
    rows = made.writer.lake.table("census/dataset").read()
    made.data["features"] = made.writer.overwrite("census/features", rows, who)
    return made


def reproduced(made: Registered, environment: str = "") -> list[str]:
    """Make the newest model again up to its training, and return what was said."""
    said: list[str] = []
    lake = Lake(made.writer.lake.root)
    tools = Tools(uv=None, folder=Path("unused"))
    workshop = Workshop(
        root=Path(), lake=lake, tools=tools, environment=environment, say=said.append
    )
    with suppress(Stopped):
        reproduce(find(lake, ["census"], "census@newest"), workshop)
    return said


def test_features_that_no_commit_made_are_told_and_outside_of_local_development_refused(
    registered: Registered,
):
    registered.model()
    assert len(reproduced(registered, "production")) == 1
    registered.dirty = True
    facts = {"state": registered.facts["state"]} if registered.facts else {}
    who = replace(registered.lineage("features", "dataset", "split", facts=facts), recipe="another")
    rows = registered.writer.lake.table("census/dataset").read()
    registered.data["features"] = registered.writer.overwrite("census/features", rows, who)
    registered.dirty, registered.learning_rate = False, 0.2
    registered.model()
    named = f"census/features {registered.data['features'].reference} was made by uncommitted code"
    said = reproduced(registered)
    assert f"{named} ({registered.commit}-dirty): it is taken as it is" in said
    with pytest.raises(ReproductionError, match=f"{named}; MLPLATFORM_ENVIRONMENT is 'production'"):
        reproduced(registered, "production")


AROUND = {
    "python": "3.11.7",
    "lock": None,
    "hardware": {"class": "x"},
    "xla_flags": [],
    "autotune": None,
}


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"[]", "surroundings.json is not of the form it is written in: no object"),
        (b"{", "surroundings.json is no JSON"),
        (b"[" * 100_000, "surroundings.json is no JSON"),
        (json.dumps({k: v for k, v in AROUND.items() if k != "python"}), "written in: python"),
        (json.dumps({**AROUND, "lock": {"file": "x"}}), "written in: lock"),
        (
            json.dumps({**AROUND, "lock": {"file": "../x", "sha256": "ab" * 32}}),
            "written in: lock",
        ),
        (json.dumps({**AROUND, "hardware": []}), "written in: hardware"),
        (json.dumps({**AROUND, "xla_flags": "--xla_a"}), "written in: xla_flags"),
        (json.dumps({**AROUND, "autotune": "../../x"}), "written in: autotune"),
    ],
)
def test_surroundings_of_another_form_are_refused_in_one_line(
    registered: Registered, content: str | bytes, why: str
):
    put = registered.writer.put
    content = content.encode() if isinstance(content, str) else content
    around = put({"surroundings.json": content})
    registered.facts = {**(registered.facts or {}), "surroundings": around}
    registered.model()
    with pytest.raises(ReproductionError, match=f"census version 1 cannot be made again: .*{why}"):
        reproduced(registered)


@pytest.mark.parametrize("statement", [[], {"devices": "2"}, {"devices": 0}, {"devices": None}])
def test_a_statement_of_reproducibility_of_another_form_is_refused(statement: object):
    content = json.dumps({"reproducibility": statement}).encode()
    with pytest.raises(ReproductionError, match="written in: reproducibility"):
        surroundings_read.training(content, "training.json")


def test_a_model_is_found_though_its_pipelines_folder_is_gone_and_anothers_is_broken(
    registered: Registered, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    registered.model()
    broken = tmp_path / "pipelines" / "broken"
    broken.mkdir(parents=True)
    (broken / "defs.yaml").write_text("no: spec")
    settings = Settings.from_environment(
        {
            "MLPLATFORM_LAKE": str(registered.writer.lake.root),
            "MLPLATFORM_HOME": str(tmp_path / "home"),
            "MLPLATFORM_PIPELINES": str(tmp_path / "pipelines"),
        },
        tmp_path,
    )
    with pytest.raises(Stopped):
        run(settings, "census@newest", "auto", None, as_json=True)
