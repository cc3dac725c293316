"""Where things are: one frozen value, read once from the environment by whoever starts a process."""

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from mlplatform.errors import PlatformError

MLFLOW_URI = "MLPLATFORM_MLFLOW_URI"  # May hold a password, so it is shown by name only.
SIGNING_KEY, VERIFY_KEY = "MLPLATFORM_SIGNING_KEY", "MLPLATFORM_VERIFY_KEY"  # Files in PEM.
EXECUTORS = ("in_process", "multiprocess", "k8s")
ENGINES = ("local", "daft")
AUTO = "auto"  # Of a coordinator: the cluster says where it is.


@dataclass(frozen=True, kw_only=True)
class Processes:
    """The processes that share one training, and which of them this is.

    Attributes:
        coordinator: Host and port of the first, which it opens and the others must reach; `auto`
            where Kubernetes or Slurm says all this.
        count: How many there are.
        number: Which this is; 0 trains as the command or step says, the others as it tells them.
    """

    coordinator: str
    count: int | None = None
    number: int | None = None


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Everything about the surroundings that a pipeline does not say itself.

    Attributes:
        root: The checkout: the folder of `definitions.py`.
        home: State of Dagster, MLflow and lake, unless one of them is moved elsewhere.
        lake: Local path or `s3://bucket/prefix` of the Delta tables and artifacts.
        mlflow_uri: MLflow tracking and registry URI.
        pipelines: Folder of pipeline folders.
        executor: One of `EXECUTORS`.
        tfdv_python: Interpreter of the TFDV worker; found by itself when `None`.
        tfdv_beam: Options of the Beam pipeline that makes statistics; none makes them in memory.
        engine: What maps features over tables, one of `ENGINES`: this machine, or Daft on Ray.
        ray_address: The Ray cluster of `daft`; empty starts one on this machine.
        environment: Whose gates are in force, of a pipeline that declares environments.
        processes: That share a training; `None` is this one alone.
        devices: How many share each batch of a training; `None` is every GPU, and one CPU.
        signing_key: File of the private key that signs what is registered; `None` signs nothing.
        verify_key: File of the public key that whatever is loaded must be signed by.
    """

    root: Path
    home: Path
    lake: str
    mlflow_uri: str
    pipelines: Path
    executor: str = "in_process"
    tfdv_python: Path | None = None
    tfdv_beam: tuple[str, ...] = ()
    engine: str = "local"
    ray_address: str = ""
    environment: str = ""
    processes: Processes | None = None
    devices: int | None = None
    signing_key: Path | None = None
    verify_key: Path | None = None

    @classmethod
    def from_environment(cls, environ: Mapping[str, str], root: Path) -> "Settings":
        """Return the settings in `environ`, with defaults below `root`.

        Reads `MLPLATFORM_HOME`, `MLPLATFORM_LAKE`, `MLPLATFORM_MLFLOW_URI`, `MLPLATFORM_PIPELINES`,
        `MLPLATFORM_EXECUTOR`, `MLPLATFORM_TFDV_PYTHON`, `MLPLATFORM_TFDV_BEAM`, whose options are
        split as a shell would, `MLPLATFORM_ENGINE`, `MLPLATFORM_RAY_ADDRESS`, `MLPLATFORM_DEVICES`,
        `MLPLATFORM_ENVIRONMENT`, `MLPLATFORM_COORDINATOR`, `MLPLATFORM_PROCESSES`, `MLPLATFORM_PROCESS_ID`,
        `MLPLATFORM_SIGNING_KEY` and `MLPLATFORM_VERIFY_KEY`.

        Raises:
            PlatformError: Naming the variable whose value is not one of the known ones.
        """
        home = root / (environ.get("MLPLATFORM_HOME") or ".mlplatform")
        tfdv = environ.get("MLPLATFORM_TFDV_PYTHON")
        lake = environ.get("MLPLATFORM_LAKE") or str(home / "lake")
        mlflow = environ.get(MLFLOW_URI) or f"sqlite:///{home}/mlflow/mlflow.db"
        return cls(
            root=root,
            home=home,
            lake=lake if "://" in lake else str(root / lake),
            mlflow_uri=mlflow,
            pipelines=root / (environ.get("MLPLATFORM_PIPELINES") or "pipelines"),
            executor=_one_of(environ, "MLPLATFORM_EXECUTOR", EXECUTORS),
            tfdv_python=root / tfdv if tfdv else None,
            tfdv_beam=_options(environ, "MLPLATFORM_TFDV_BEAM"),
            engine=_one_of(environ, "MLPLATFORM_ENGINE", ENGINES),
            ray_address=environ.get("MLPLATFORM_RAY_ADDRESS") or "",
            environment=environ.get("MLPLATFORM_ENVIRONMENT") or "",
            processes=_processes(environ),
            devices=_number(environ, "MLPLATFORM_DEVICES", least=1),
            signing_key=_file(environ, SIGNING_KEY, root),
            verify_key=_file(environ, VERIFY_KEY, root),
        )

    @property
    def dagster_home(self) -> Path:
        """Folder of Dagster's instance."""
        return self.home / "dagster"

    @property
    def mlflow_artifacts(self) -> str:
        """Where MLflow keeps the files of runs, as a URI."""
        return (self.home / "mlflow" / "artifacts").resolve().as_uri()

    @property
    def training_logs(self) -> Path:
        """Folder of the logs that go to MLflow."""
        return self.home / "tracking"

    @property
    def compile_cache(self) -> Path:
        """Folder of XLA's compiled programs."""
        return self.home / "cache" / "xla"

    @property
    def checkpoints(self) -> Path:
        """Folder of the state of trainings under way."""
        return self.home / "checkpoints"

    @property
    def studies(self) -> Path:
        """Folder of the trials of studies."""
        return self.home / "studies"

    @property
    def alert_log(self) -> Path:
        """File that keeps a line for every alert."""
        return self.home / "alerts.jsonl"

    @property
    def worker_log(self) -> Path:
        """What the TFDV worker prints."""
        return self.home / "logs" / "tfdv.log"


def find_root(start: Path) -> Path:
    """Return the nearest folder at or above `start` that holds `definitions.py` and `workspace.yaml`.

    Raises:
        PlatformError: If there is none.
    """
    for folder in (start, *start.parents):
        if (folder / "definitions.py").is_file() and (folder / "workspace.yaml").is_file():
            return folder
    raise PlatformError(f"{start}: not inside a checkout; go to the folder with definitions.py")


def _file(environ: Mapping[str, str], name: str, root: Path) -> Path | None:
    return root / environ[name] if environ.get(name) else None


def _options(environ: Mapping[str, str], name: str) -> tuple[str, ...]:
    try:
        options = tuple(shlex.split(environ.get(name) or ""))
    except ValueError as wrong:
        raise PlatformError(f"{name}: {wrong}; give options as for a command line") from None
    if options and not options[0].startswith("--"):
        raise PlatformError(f"{name}: {options[0]!r} is no option; write --runner=…")
    return options


def _processes(environ: Mapping[str, str]) -> Processes | None:
    names = ("MLPLATFORM_COORDINATOR", "MLPLATFORM_PROCESSES", "MLPLATFORM_PROCESS_ID")
    given = [name for name in names if environ.get(name)]
    coordinator = environ.get(names[0]) or ""
    if not given:
        return None
    if coordinator == AUTO and given == [names[0]]:
        return Processes(coordinator=AUTO)
    if coordinator == AUTO:
        raise PlatformError(f"{given[1]} is set beside {names[0]}={AUTO}, which finds it; drop one")
    lost = [name for name in names if name not in given]
    if lost:
        raise PlatformError(
            f"{lost[0]} is missing; many processes need {', '.join(names)},"
            f" or on Kubernetes and Slurm {names[0]}={AUTO} alone"
        )
    if not re.fullmatch(r".+:\d{1,5}", coordinator):
        raise PlatformError(f"{names[0]} is {coordinator!r}; give host:port, or {AUTO}")
    count = _number(environ, names[1], least=1)
    number = _number(environ, names[2], least=0)
    if count is not None and number is not None and number >= count:
        raise PlatformError(f"{names[2]} is {number}; of {count} processes the last is {count - 1}")
    return Processes(coordinator=coordinator, count=count, number=number)


def _number(environ: Mapping[str, str], name: str, least: int) -> int | None:
    value = environ.get(name)
    if not value:
        return None
    if not value.isdecimal() or int(value) < least:
        raise PlatformError(f"{name} is {value!r}; give a whole number, {least} or more")
    return int(value)


def _one_of(environ: Mapping[str, str], name: str, known: tuple[str, ...]) -> str:
    value = environ.get(name) or known[0]
    if value not in known:
        raise PlatformError(f"{name} is {value!r}; known: {', '.join(known)}")
    return value
