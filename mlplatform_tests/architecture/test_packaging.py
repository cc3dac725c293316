"""What a wheel of this repository holds and asks for."""

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from mlplatform_tests.architecture.sources import ROOT

NEEDED = (
    "setup.py",
    "pyproject.toml",
    "MANIFEST.in",
    "LICENSE",
    "requirements",
    "mlplatform",
    "assets",
)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """A wheel built from a copy, so that the checkout stays clean."""
    copy, out = tmp_path_factory.mktemp("checkout"), tmp_path_factory.mktemp("wheel")
    for name in NEEDED:
        source = ROOT / name
        (shutil.copytree if source.is_dir() else shutil.copy)(source, copy / name)
    build = f"from setuptools import build_meta; build_meta.build_wheel({str(out)!r})"
    subprocess.run([sys.executable, "-c", build], cwd=copy, check=True, capture_output=True)
    return zipfile.ZipFile(next(out.glob("*.whl")))


def test_the_wheel_holds_the_library_alone(wheel: zipfile.ZipFile):
    tops = {Path(name).parts[0] for name in wheel.namelist()}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"mlplatform"}


def test_the_wheel_holds_types_and_the_worker_that_runs_by_path(wheel: zipfile.ZipFile):
    assert {"mlplatform/py.typed", "mlplatform/validate/tfdv_worker.py"} <= set(wheel.namelist())


def test_the_library_installs_without_dagster(wheel: zipfile.ZipFile):
    metadata = next(name for name in wheel.namelist() if name.endswith("METADATA"))
    lines = wheel.read(metadata).decode().splitlines()
    always = [line for line in lines if line.startswith("Requires-Dist") and "extra ==" not in line]
    assert always
    assert not [line for line in always if "dagster" in line]


def test_the_command_is_installed(wheel: zipfile.ZipFile):
    entry_points = next(name for name in wheel.namelist() if name.endswith("entry_points.txt"))
    assert "mlplatform = mlplatform.cli.main:main" in wheel.read(entry_points).decode()
