"""What a training ran in: machine, lock, a team's code, and who asked."""

import hashlib
import json
from pathlib import Path

import pytest

from mlplatform.errors import GateRefusedError
from mlplatform.lake import Lake
from mlplatform.provenance import hardware as of_hardware
from mlplatform.provenance import pipeline_code, surroundings
from mlplatform.provenance.code import require_committed
from mlplatform.provenance.hardware import Hardware, hardware
from mlplatform.provenance.lockfile import lock_of, pins
from mlplatform.spec import load_pipeline
from mlplatform_tests.small import small_pipeline

HERE = Hardware(
    machine="x86_64", cpu="AMD EPYC", instructions=("avx2", "fma"), cores=2, memory_bytes=1,
    gpus=("NVIDIA H200", "NVIDIA H200"),
)  # fmt: skip


def test_a_class_of_hardware_says_what_decides_bits_and_names_no_machine():
    assert HERE.of_class("cpu") == "x86_64, AMD EPYC, avx2 fma, 2 cores"
    assert HERE.of_class("gpu") == "x86_64, 2 x NVIDIA H200"
    assert hardware() == hardware()
    assert hardware().cores >= 1


def test_gpus_and_their_driver_are_read_from_what_the_driver_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / "gpus" / "0000:01:00.0").mkdir(parents=True)
    (tmp_path / "gpus" / "0000:01:00.0" / "information").write_text(
        "Model: \t NVIDIA H200\nIRQ: 1\n"
    )
    told = "NVRM version: NVIDIA UNIX x86_64 Kernel Module  550.54.15  Tue\n"
    (tmp_path / "version").write_text(told)
    monkeypatch.setattr(of_hardware, "NVIDIA", tmp_path)
    assert (hardware().gpus, hardware().driver) == (("NVIDIA H200",), "550.54.15")


def test_the_smallest_lock_that_pins_all_that_is_installed_is_the_one_it_came_from(tmp_path: Path):
    folder = tmp_path / "requirements"
    folder.mkdir()
    (folder / "dev.lock").write_text("a==1\nB_c==2 \\\n    --hash=x\nd==3 ; python_version > '3'\n")
    (folder / "main.lock").write_text("a==1\nb-c==2\n")
    digest = hashlib.sha256((folder / "main.lock").read_bytes()).hexdigest()
    installed = ["a==1", "b-c==2", "mlplatform==0.1"]
    assert lock_of(tmp_path, installed) == {"file": "requirements/main.lock", "sha256": digest}
    found = lock_of(tmp_path, [*installed, "d==3"])
    assert found is not None
    assert found["file"] == "requirements/dev.lock"
    assert lock_of(tmp_path, ["a==2"]) is None
    assert pins((folder / "dev.lock").read_bytes()) == {"a==1", "b-c==2", "d==3"}


def test_surroundings_are_json_and_name_no_folder_of_the_machine(tmp_path: Path):
    flags = "--xla_b=1 --xla_a=2 --xla_dump_to=/here --xla_gpu_dump_autotune_results_to=/there"
    told = surroundings.seen(tmp_path, "cpu", environ={"XLA_FLAGS": flags})
    assert json.loads(surroundings.to_bytes(told)) == told
    assert told["xla_flags"] == ["--xla_a=2", "--xla_b=1"]
    assert told["lock"] is None
    assert str(tmp_path) not in json.dumps(told)


def test_a_pipelines_code_is_kept_without_its_data_and_read_back_as_it_was(tmp_path: Path):
    pipeline = load_pipeline(small_pipeline(tmp_path / "pipelines"))
    (pipeline.folder / "My Notes.py").write_text("x = 1")
    lake = Lake(tmp_path / "lake")
    kept = lake.artifacts.open(pipeline_code.put(pipeline, tmp_path, lake.artifacts))
    written = pipeline_code.written(kept)
    assert set(written) == {"defs.yaml", "features.py", "behaviour.py", "My Notes.py"}
    assert written["My Notes.py"] == b"x = 1"
    assert pipeline_code.folder_of(kept) == "pipelines/census_income"
    assert pipeline_code.load(kept, pipeline.folder) == pipeline


@pytest.mark.parametrize("code", ["ab" * 20 + "-dirty", "no-git"])
def test_uncommitted_code_is_registered_in_local_development_alone(code: str):
    for environment in ("", "local", "development"):
        require_committed(code, environment)
    with pytest.raises(GateRefusedError, match="'production': commit the code, and train again"):
        require_committed(code, "production")
    require_committed("ab" * 20, "production")
