"""The code location: pipelines, resources, sensors and executor in one place, and the only file that imports all."""

import sys
from pathlib import Path
from types import ModuleType

import click
import dagster as dg

import resources
import sensors
from assets import MLPipeline
from mlplatform.errors import PlatformError
from mlplatform.features.load import load_feature_set
from mlplatform.spec import load_pipelines
from resources.executor import executor

PIPELINES = "_pipelines"  # Not a name another `pipelines` on the path could hide.


def build() -> dg.Definitions:
    """Return everything this process's settings ask for.

    Raises:
        PlatformError: If a setting or a pipeline's spec is wrong; one line, no traceback.
    """
    settings = resources.settings_from_environment()
    # Our own message, before Dagster's.
    for pipeline in load_pipelines(settings.pipelines, settings.environment):
        load_feature_set(pipeline)
    components = _components(settings.pipelines)
    parts = [sensors.build(component.pipeline) for component in components]
    return dg.Definitions.merge(
        *[component.definitions() for component in components],
        *parts,
        dg.Definitions(
            resources=resources.for_settings(settings), executor=executor(settings.executor)
        ),
    )


def _components(folder: Path) -> list[MLPipeline]:
    """Return the components declared under `folder`, wherever it is and whatever it is called."""
    package = ModuleType(PIPELINES)
    package.__file__ = None  # As a namespace package has it.
    package.__path__ = [str(folder)]
    sys.modules[PIPELINES] = package
    tree = dg.ComponentTree.from_module(defs_module=package, project_root=resources.ROOT)
    return tree.get_all_components(of_type=MLPipeline)


try:
    defs = build()
except PlatformError as mistake:
    # Dagster's commands print a click exception as one line and exit with 1.
    raise click.ClickException(str(mistake)) from None
