"""Is everything here that a run needs? Each finding says what to do about it."""

import importlib.metadata
import importlib.util
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError

from rich.console import Console

from mlplatform.cli.lake import open_lake, open_writable_lake
from mlplatform.errors import PlatformError, RegistryError
from mlplatform.settings import Settings

OLDEST, NEWEST = (3, 11), (3, 13)
NEEDED = ("dagster", "deltalake", "jax", "mlflow", "optuna", "pyarrow", "tensorflow_metadata")
SECONDS_FOR_GPU = 60  # Importing JAX and asking CUDA for its devices.


@dataclass(frozen=True)
class Finding:
    """One thing examined. Something optional that is missing does not fail the examination."""

    name: str
    fine: bool
    says: str
    optional: bool = False


def examine(settings: Settings) -> int:
    """Print every finding as it is made; return 0 when nothing needed is missing, else 1."""
    console = Console(highlight=False)
    broken = 0
    for finding in findings(settings):
        mark = "[green]ok[/]     " if finding.fine else "[red]missing[/]"
        mark = "[yellow]absent[/] " if finding.optional and not finding.fine else mark
        console.print(f"{mark} {finding.name}: ", end="")
        console.print(finding.says, markup=False, soft_wrap=True)
        broken += not finding.fine and not finding.optional
    return 1 if broken else 0


def findings(settings: Settings) -> Iterator[Finding]:
    """Yield what was examined, cheapest first."""
    yield _interpreter()
    yield _packages()
    yield _tried("lake", lambda: _lake(settings))
    yield replace(_tried("models", lambda: _models(settings)), optional=True)
    yield _tried("TFDV worker", lambda: _tfdv(settings))
    yield _tried("MLflow", lambda: _mlflow(settings))
    yield _environment(settings)
    yield _gpu()


def _interpreter() -> Finding:
    version = sys.version_info
    fine = OLDEST <= version[:2] <= NEWEST
    says = f"Python {version.major}.{version.minor}.{version.micro} at {sys.executable}"
    return Finding("interpreter", fine, says if fine else f"{says}; install Python 3.11 to 3.13")


def _packages() -> Finding:
    missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        return Finding("packages", fine=False, says=f"no {', '.join(missing)}; run `make install`")
    return Finding("packages", fine=True, says=", ".join(f"{n} {_version(n)}" for n in NEEDED))


def _version(name: str) -> str:
    try:
        return importlib.metadata.version(name.replace("_", "-"))
    except PackageNotFoundError:
        return "(unknown version)"


def _tried(name: str, look: Callable[[], str]) -> Finding:
    try:
        return Finding(name, fine=True, says=look())
    except PlatformError as wrong:
        return Finding(name, fine=False, says=str(wrong))


def _lake(settings: Settings) -> str:
    lake = open_writable_lake(settings)
    return f"{settings.lake} is writable and holds {len(lake.tables())} tables"


def _models(settings: Settings) -> str:
    """Whether JAX's promise to read what is live holds for two more months.

    Raises:
        RegistryError: Naming each model whose program should be exported anew.
    """
    from mlplatform.registry.age import due
    from mlplatform.registry.find import by_version, known_pipelines
    from mlplatform.rollout.events import live

    lake, now = open_lake(settings), datetime.now(UTC)
    models = [(name, m) for name in known_pipelines(lake) for m in live(lake, name).values() if m]
    told = [
        f"{name} version {m.version}: {said}"
        for name, m in models
        if (said := due(lake, name, by_version(lake, name, m.version), now))
    ]
    if told:
        raise RegistryError("; ".join(told))
    return f"{len(models)} are live, none due to be exported anew"


def _tfdv(settings: Settings) -> str:
    from mlplatform.validate.client import TfdvWorker
    from mlplatform.validate.interpreter import find

    python = find(settings.tfdv_python, settings.root)
    with TfdvWorker(python, settings.worker_log) as worker:
        versions = ", ".join(f"{name} {version}" for name, version in worker.ping().items())
    return f"{python} answers ({versions})"


def _mlflow(settings: Settings) -> str:
    from mlplatform.registry.backend import client, shown, within

    uri = settings.mlflow_uri
    opened = client(uri)
    within(uri, lambda: opened.search_experiments(max_results=1))
    return f"{shown(uri)} answers"


def _environment(settings: Settings) -> Finding:
    """Whether the environment whose gates are in force is one that a pipeline declares."""
    from mlplatform.spec.load import load_pipeline, undeclared

    name = settings.environment
    folders = sorted(path.parent for path in settings.pipelines.glob("*/defs.yaml"))
    try:
        warning = undeclared([load_pipeline(folder) for folder in folders], name)
        for folder in folders:
            load_pipeline(folder, name)  # Raises where it declares others.
    except PlatformError as wrong:
        return Finding("pipelines", fine=False, says=str(wrong))
    says = warning or (f"gates of {name}" if name else "no environment is named")
    return Finding("environment", fine=not warning, says=says, optional=True)


def _gpu() -> Finding:
    code = "import jax; print(', '.join(str(d) for d in jax.devices() if d.platform != 'cpu'))"
    command = [sys.executable, "-c", code]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=SECONDS_FOR_GPU, check=False
        )
    except subprocess.TimeoutExpired:
        return Finding(
            "GPU", fine=False, says="JAX did not answer in time; see `nvidia-smi`", optional=True
        )
    devices = done.stdout.strip()
    hint = "JAX sees none and trains on the CPU; on a machine with one install the extra `cuda`"
    return Finding("GPU", fine=bool(devices), says=devices or hint, optional=True)
