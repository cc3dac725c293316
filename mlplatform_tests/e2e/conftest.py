"""Real Dagster processes on a small real pipeline, each with a state folder of its own."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from mlplatform.lake import Lake
from mlplatform_tests.conftest import ROOT
from mlplatform_tests.small import small_pipeline

BIN = Path(sys.executable).parent
SECONDS = 480


@dataclass
class Home:
    """A state folder and a folder of pipelines, and the commands a user runs on them."""

    folder: Path
    settings: dict[str, str] = field(default_factory=dict)

    @property
    def pipeline(self) -> Path:
        """The small pipeline's folder."""
        return self.folder / "pipelines" / "census_income"

    @property
    def lake(self) -> Lake:
        """The lake, as another process sees it now."""
        return Lake(self.folder / "state" / "lake")

    @property
    def temporary(self) -> Path:
        """Where its processes keep what they need for a moment."""
        folder = self.folder / "tmp"
        folder.mkdir(exist_ok=True)
        return folder

    @property
    def environment(self) -> dict[str, str]:
        """What the commands find in their environment."""
        ours = {
            "MLPLATFORM_HOME": str(self.folder / "state"),
            "MLPLATFORM_PIPELINES": str(self.folder / "pipelines"),
            "TMPDIR": str(self.temporary),
        }
        return {**os.environ, **ours, **self.settings}

    def run(self, *command: str, **environ: str) -> "subprocess.CompletedProcess[str]":
        """Run one of the environment's commands at the top of the checkout, to its end."""
        return subprocess.run(
            [str(BIN / command[0]), *command[1:]],
            cwd=ROOT,
            env={**self.environment, **environ},
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )

    def materialize(self, selection: str = 'key:"census_income/*"', **environ: str):
        """Run `dagster asset materialize` as CI does: with no further flag than `-m definitions`."""
        command = ("dagster", "asset", "materialize", "--select", selection, "-m", "definitions")
        return self.run(*command, **environ)

    def versions(self, *but: str) -> dict[str, str]:
        """Return every table's newest version as number and content digest, without some nouns."""
        names = [name for name in self.lake.tables() if name.rpartition("/")[2] not in but]
        tables = {name: self.lake.table(name).latest() for name in names}
        return {name: version.reference for name, version in tables.items() if version}

    def digests(self) -> dict[str, tuple[int, str]]:
        """Return the Delta version and content digest of every asset whose content no clock decides."""
        nouns = ["source", "dataset", "split", "features", "model", "evaluation"]
        nouns += ["statistics", "schema", "accepted", "reference"]
        tables = {noun: self.lake.table(f"census_income/{noun}").latest() for noun in nouns}
        return {noun: (v.number, v.digest) for noun, v in tables.items() if v is not None}


@pytest.fixture(scope="session")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What XLA compiled for any home, so that each program is compiled once."""
    return tmp_path_factory.mktemp("programs")


@pytest.fixture
def new_home(tmp_path: Path, programs: Path) -> Callable[..., Home]:
    """Makes a home with a small pipeline in it."""

    def make(name: str = "home", **changes: object) -> Home:
        small_pipeline(tmp_path / name / "pipelines", **changes)
        (tmp_path / name / "state" / "cache").mkdir(parents=True)
        (tmp_path / name / "state" / "cache" / "xla").symlink_to(programs)
        return Home(tmp_path / name)

    return make


@pytest.fixture
def walked_home(deployed: Home, tmp_path: Path) -> Home:
    """A copy of `deployed`, to be changed."""
    shutil.copytree(deployed.folder, tmp_path / "walked", symlinks=True)
    return Home(tmp_path / "walked")


@pytest.fixture(scope="session")
def deployed(tmp_path_factory: pytest.TempPathFactory, programs: Path) -> Home:
    """A home whose pipeline was walked to its end by a Dagster process. Tests leave it as it is."""
    folder = tmp_path_factory.mktemp("deployed")
    small_pipeline(folder / "pipelines")
    (folder / "state" / "cache").mkdir(parents=True)
    (folder / "state" / "cache" / "xla").symlink_to(programs)
    home = Home(folder)
    done = home.materialize()
    assert done.returncode == 0, done.stderr[-3000:]
    return home
