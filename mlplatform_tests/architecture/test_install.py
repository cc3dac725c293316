"""Installing: which TFDV a machine gets, and what a machine that cannot have it is told."""

import importlib.util
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from mlplatform_tests.architecture.sources import ROOT


@pytest.fixture
def install() -> ModuleType:
    """`scripts/install.py`, which is no package's module."""
    spec = importlib.util.spec_from_file_location("install", ROOT / "scripts" / "install.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("glibc", "lock", "versions"),
    [
        ((2, 28), "tfdv-1.16.lock", ("3.11",)),
        ((2, 36), "tfdv-1.16.lock", ("3.11",)),
        ((2, 38), "tfdv-1.16.lock", ("3.11",)),
        ((2, 39), "tfdv-1.21.lock", ("3.11", "3.12", "3.13")),
        ((2, 41), "tfdv-1.21.lock", ("3.11", "3.12", "3.13")),
    ],
)
def test_the_c_library_decides_which_tfdv_is_installed(
    install: ModuleType, glibc: tuple[int, int], lock: str, versions: tuple[str, ...]
):
    assert install.tfdv_lock("Linux", "x86_64", glibc) == (lock, versions)


@pytest.mark.parametrize(
    ("system", "machine", "glibc"),
    [("Linux", "x86_64", (0, 0)), ("Linux", "aarch64", (2, 39)), ("Windows", "AMD64", (0, 0))],
)
def test_a_system_without_a_tfdv_build_is_told_so(
    install: ModuleType, system: str, machine: str, glibc: tuple[int, int]
):
    with pytest.raises(install.InstallError, match=f"no build for {system} {machine} with .*; use"):
        install.tfdv_lock(system, machine, glibc)


def test_a_failed_step_is_one_line_that_says_what_and_why(install: ModuleType, tmp_path: Path):
    install.LOG = tmp_path / "install.log"
    failing = ["sh", "-c", "echo 'error: no such wheel' >&2; echo 'hint: look' >&2; exit 2"]
    with pytest.raises(install.InstallError) as raised:
        install.run(failing, "install dev.lock")
    assert str(raised.value) == (
        "could not install dev.lock: no such wheel; "
        f"is the package index reachable? Details: {install.LOG}"
    )
    assert "hint: look" in install.LOG.read_text()


def test_an_environment_is_made_once_and_again_only_when_its_lock_changes(
    install: ModuleType, tmp_path: Path
):
    install.ROOT = tmp_path
    lock, folder, made = tmp_path / "dev.lock", tmp_path / "env", []
    folder.mkdir()
    for content in ("a==1", "a==1", "a==2", "a==2"):
        lock.write_text(content)
        install.make(folder, [lock], "/usr/bin/python3", lambda: made.append(lock.read_text()))
    assert made == ["a==1", "a==2"]


def test_a_killed_installation_is_taken_up_again(install: ModuleType, tmp_path: Path):
    install.ROOT = tmp_path
    lock, folder, made = tmp_path / "dev.lock", tmp_path / "env", []
    folder.mkdir()
    lock.write_text("a==1")

    def killed() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        install.make(folder, [lock], "/usr/bin/python3", killed)
    install.make(folder, [lock], "/usr/bin/python3", lambda: made.append("now"))
    assert made == ["now"]


@pytest.fixture
def find_python(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs scripts/find-python in an empty checkout; finds nothing but what `fake` made."""
    script = tmp_path / "scripts" / "find-python"
    script.parent.mkdir()
    shutil.copy(ROOT / "scripts" / "find-python", script)
    (tmp_path / "dirname").symlink_to("/usr/bin/dirname")

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(script), *arguments],
            env={"PATH": str(tmp_path)},
            capture_output=True,
            text=True,
            check=False,
        )

    return run


def fake(python: Path, script: str) -> None:
    """Put a program in an interpreter's place."""
    python.parent.mkdir(parents=True, exist_ok=True)
    python.write_text(f"#!/bin/sh\n{script}\n")
    python.chmod(0o755)


def test_an_interpreter_that_exists_and_fails_is_passed_over(find_python, tmp_path: Path):
    """Version managers leave shims for versions that are not there."""
    fake(tmp_path / "python3.11", "exit 127")
    fake(tmp_path / "python3.12", "echo /opt/python3.12")
    assert find_python().stdout == "/opt/python3.12\n"


def test_an_environment_keeps_the_interpreter_it_was_made_from(find_python, tmp_path: Path):
    fake(tmp_path / "python3.11", "echo /opt/python3.11")
    fake(tmp_path / ".venv" / "bin" / "python", "echo /opt/python3.13")
    assert find_python().stdout == "/opt/python3.13\n"
    assert find_python("python3.11").stdout == "/opt/python3.11\n"


def test_a_machine_without_a_fit_interpreter_is_told_so_in_one_line(find_python):
    done = find_python()
    assert done.returncode == 1
    assert done.stderr.startswith(
        "install: no working Python 3.11, 3.12 or 3.13 (tried: python3.11"
    )
    assert done.stderr.count("\n") == 1
