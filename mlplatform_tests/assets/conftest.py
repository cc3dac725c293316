"""Walks of a small pipeline through Dagster, in this process, on a lake of their own.

One walk of a session trains; others begin as a copy of it, at the asset they need. They share a
warm TFDV worker and compiled programs, which e2e's processes have for themselves.
"""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import ClassVar

import dagster as dg
import pytest
from typer.testing import CliRunner, Result

import resources
from assets import MLPipeline
from mlplatform.cli.main import app
from mlplatform.gates import record
from mlplatform.lake import Lake
from mlplatform.settings import Settings
from mlplatform.spec import Pipeline, load_pipeline
from mlplatform.validate.client import TfdvWorker
from mlplatform.validate.interpreter import find
from mlplatform.verdict import Verdict
from mlplatform_tests.conftest import ROOT
from mlplatform_tests.small import change, small_pipeline

# The walk that is copied stops after each of these, and what follows an asset is not yet made.
STOPS = {
    "dataset": ("source", "dataset"),
    "evaluation": ("reference", "split", "features", "model", "evaluation"),
    "gate_verdict": ("gate_verdict",),
    "registered_model": ("registered_model",),
    "deployment": ("deployment",),
}


class WarmTfdv(resources.TfdvResource):
    """The worker of the whole session, which no run closes."""

    def worker(self) -> TfdvWorker:
        """Return the worker."""
        return warm_worker()

    def teardown_after_execution(self, context: dg.InitResourceContext) -> None:
        """Leave the worker to the next run."""


@cache
def warm_worker() -> TfdvWorker:
    """The worker that all walks ask."""
    return TfdvWorker(find(None, ROOT))


@dataclass
class Walk:
    """A pipeline, its lake, and the ways to walk it."""

    folder: Path
    settings: Settings
    programs: ClassVar[Path]  # What JAX compiled, for all walks of the session.

    @property
    def pipeline(self) -> Pipeline:
        """The pipeline as its spec says now."""
        return load_pipeline(self.folder)

    @property
    def lake(self) -> Lake:
        """The lake it writes to."""
        return Lake(self.settings.lake)

    def definitions(self) -> dg.Definitions:
        """What `definitions.py` builds, for this pipeline alone."""
        shared = {
            "tfdv": WarmTfdv(checkout="", log=""),
            "compute": resources.ComputeResource(
                compile_cache=str(self.programs),
                checkpoints=str(self.settings.checkpoints),
                studies=str(self.settings.studies),
            ),
        }
        wired = dg.Definitions(
            resources={**resources.for_settings(self.settings), **shared},
            executor=dg.in_process_executor,
        )
        return dg.Definitions.merge(MLPipeline(self.pipeline).definitions(), wired)

    def run(
        self, *nouns: str, instance: dg.DagsterInstance | None = None
    ) -> dg.ExecuteInProcessResult:
        """Materialise these assets with their checks, or all of them; on an empty instance by default."""
        job = self.definitions().resolve_implicit_global_asset_job_def()
        keys = [dg.AssetKey([self.folder.name, *noun.split("/")]) for noun in nouns]
        return job.execute_in_process(
            instance=instance or dg.DagsterInstance.ephemeral(),
            asset_selection=keys or None,
            raise_on_error=False,
        )

    def command(self, *words: object) -> Result:
        """Run a command of `mlplatform` on this lake."""
        environ = {
            "MLPLATFORM_HOME": str(self.settings.home),
            "MLPLATFORM_PIPELINES": str(self.settings.pipelines),
        }
        return CliRunner().invoke(app, [str(word) for word in words], env=environ)

    def said(self, noun: str) -> dict[str, Verdict]:
        """Return what each gate said about the newest version of an asset."""
        version = self.lake.table(self.pipeline.table(noun)).latest()
        owner = self.pipeline.table(noun).rpartition("/")[0]
        rows = self.lake.table(f"{owner}/gates").read().to_pylist()
        mine = [row for row in rows if version and row["subject_digest"] == version.digest]
        return {row["gate"]: record.verdict(row) for row in mine}

    def versions(self) -> dict[str, str]:
        """Return every table's newest version as number and content digest."""
        tables = {name: self.lake.table(name).latest() for name in self.lake.tables()}
        return {name: version.reference for name, version in tables.items() if version}


def walk_in(home: Path, name: str = "census_income") -> Walk:
    """The walk whose pipeline and state are in this folder."""
    environ = {
        "MLPLATFORM_HOME": str(home / "state"),
        "MLPLATFORM_PIPELINES": str(home / "pipelines"),
    }
    folder = home / "pipelines" / name
    return Walk(folder, Settings.from_environment(environ, ROOT))


@pytest.fixture(scope="session", autouse=True)
def _shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Make what walks share, and end the worker with the session."""
    Walk.programs = tmp_path_factory.mktemp("programs")
    yield
    warm_worker().close()
    warm_worker.cache_clear()


@pytest.fixture(scope="session")
def new_walk(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Walk]:
    """Makes a walk of a small pipeline in a folder of its own, with nothing made yet."""

    def make(**changes: object) -> Walk:
        home = tmp_path_factory.mktemp("walk")
        small_pipeline(home / "pipelines", **changes)
        return walk_in(home)

    return make


@pytest.fixture(scope="session")
def stopped(
    new_walk: Callable[..., Walk], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Path]:
    """The home of one walk as it was after each of `STOPS`."""
    walk = new_walk()
    homes = {"deployment": walk.folder.parents[1]}
    for noun, steps in STOPS.items():
        result = walk.run(*steps)
        assert result.success, failed_steps(result)
        if noun not in homes:
            homes[noun] = tmp_path_factory.mktemp(f"after_{noun}") / "home"
            shutil.copytree(homes["deployment"], homes[noun])
    return homes


@pytest.fixture(scope="session")
def walked(stopped: dict[str, Path]) -> Walk:
    """A walk that went from source to deployment. Tests leave its lake as it is."""
    return walk_in(stopped["deployment"])


@pytest.fixture(scope="session")
def walked_to(
    stopped: dict[str, Path], tmp_path_factory: pytest.TempPathFactory
) -> Callable[..., Walk]:
    """Makes a walk that went up to an asset, whose spec is changed after that."""

    def make(noun: str, **changes: object) -> Walk:
        home = tmp_path_factory.mktemp("walk") / "home"
        shutil.copytree(stopped[noun], home)
        walk = walk_in(home)
        change(walk.folder, **changes)
        return walk

    return make


def failed_steps(result: dg.ExecuteInProcessResult) -> set[str]:
    """Return the names of the steps that failed."""
    return {
        event.step_key for event in result.all_events if event.is_step_failure and event.step_key
    }


def materialised(result: dg.ExecuteInProcessResult) -> list[str]:
    """Return the nouns that were materialised, in order."""
    events = result.get_asset_materialization_events()
    return [event.asset_key.path[-1] for event in events if event.asset_key]
