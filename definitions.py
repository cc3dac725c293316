"""The code location: pipelines, resources, sensors and executor in one place, and the only file that imports all."""

import importlib
import sys
from pathlib import Path

import click
import dagster as dg

import resources
import sensors
from assets import MLPipeline
from mlplatform.errors import PlatformError
from mlplatform.spec import load_pipelines
from resources.executor import executor


def build() -> dg.Definitions:
    """Return everything this process's settings ask for.

    Raises:
        PlatformError: If a setting or a pipeline's spec is wrong; one line, no traceback.
    """
    settings = resources.settings_from_environment()
    load_pipelines(settings.pipelines)  # Our own message about a wrong spec, before Dagster's.
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
    """Return the components declared under `folder`, which need not be below the checkout."""
    if str(folder.parent) not in sys.path:
        sys.path.append(str(folder.parent))
    tree = dg.ComponentTree.from_module(
        defs_module=importlib.import_module(folder.name), project_root=resources.ROOT
    )
    return tree.get_all_components(of_type=MLPipeline)


try:
    defs = build()
except PlatformError as mistake:
    # Dagster's commands print a click exception as one line and exit with 1.
    raise click.ClickException(str(mistake)) from None
