"""Walks of a small pipeline through Dagster, in this process, on a lake of their own."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import dagster as dg
import pytest

import resources
from assets import MLPipeline
from mlplatform.lake import Lake
from mlplatform.settings import Settings
from mlplatform.spec import Pipeline, load_pipeline
from mlplatform_tests.conftest import ROOT


@dataclass
class Walk:
    """A pipeline, its lake, and the ways to walk it."""

    folder: Path
    settings: Settings

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
        wired = dg.Definitions(
            resources=resources.for_settings(self.settings), executor=dg.in_process_executor
        )
        return dg.Definitions.merge(MLPipeline(self.pipeline).definitions(), wired)

    def run(
        self, *nouns: str, instance: dg.DagsterInstance | None = None
    ) -> dg.ExecuteInProcessResult:
        """Materialise these assets with their checks, or all of them; on an empty instance by default."""
        job = self.definitions().resolve_implicit_global_asset_job_def()
        keys = [dg.AssetKey(["census_income", noun]) for noun in nouns]
        return job.execute_in_process(
            instance=instance or dg.DagsterInstance.ephemeral(),
            asset_selection=keys or None,
            raise_on_error=False,
        )

    def versions(self) -> dict[str, str]:
        """Return every table's newest version as number and content digest."""
        tables = {name: self.lake.table(name).latest() for name in self.lake.tables()}
        return {name: version.reference for name, version in tables.items() if version}


@pytest.fixture(scope="session")
def new_walk(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Walk]:
    """Makes a walk of a small pipeline in a folder of its own."""
    from mlplatform_tests.small import small_pipeline

    def make(**changes: object) -> Walk:
        home = tmp_path_factory.mktemp("walk")
        folder = small_pipeline(home / "pipelines", **changes)
        environ = {
            "MLPLATFORM_HOME": str(home / "state"),
            "MLPLATFORM_PIPELINES": str(home / "pipelines"),
        }
        return Walk(folder, Settings.from_environment(environ, ROOT))

    return make


@pytest.fixture(scope="session")
def walked(new_walk: Callable[..., Walk]) -> Walk:
    """A walk that went from source to deployment. Tests leave its lake as it is."""
    walk = new_walk()
    result = walk.run()
    assert result.success, result.all_events[-1]
    return walk


def failed_steps(result: dg.ExecuteInProcessResult) -> set[str]:
    """Return the names of the steps that failed."""
    return {
        event.step_key for event in result.all_events if event.is_step_failure and event.step_key
    }


def materialised(result: dg.ExecuteInProcessResult) -> list[str]:
    """Return the nouns that were materialised, in order."""
    events = result.get_asset_materialization_events()
    return [event.asset_key.path[-1] for event in events if event.asset_key]
