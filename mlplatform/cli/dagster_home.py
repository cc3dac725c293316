"""Dagster's instance: its folder, and the commands that run on it. Dagster itself is another process."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mlplatform.errors import PlatformError
from mlplatform.settings import Settings

CONFIGURATION = """\
# Written once by mlplatform; edit as you like.
telemetry: {enabled: false}
nux: {enabled: false}
python_logs: {python_log_level: INFO}
# Ends runs that outlast their tag `dagster/max_runtime`, which pipelines with a budget set.
run_monitoring: {enabled: true, poll_interval_seconds: 30}
"""


def prepare(settings: Settings) -> dict[str, str]:
    """Create Dagster's home if there is none, and return the environment of a Dagster command.

    Raises:
        PlatformError: If the state folder cannot be written.
    """
    home = settings.dagster_home
    try:
        home.mkdir(parents=True, exist_ok=True)
        walk_log(settings).parent.mkdir(parents=True, exist_ok=True)
        walk_log(settings).touch()
        if not (home / "dagster.yaml").exists():
            (home / "dagster.yaml").write_text(CONFIGURATION)
    except OSError as wrong:
        raise PlatformError(
            f"{home}: cannot be written ({wrong.strerror}); set MLPLATFORM_HOME to a writable folder"
        ) from None
    return {**os.environ, "DAGSTER_HOME": str(home.resolve()), "PYTHONWARNINGS": "ignore"}


def walk_log(settings: Settings) -> Path:
    """Return the file that keeps everything Dagster said in the last walk."""
    return settings.home / "logs" / "walk.log"


@contextmanager
def materialize(settings: Settings, selection: str) -> Iterator["subprocess.Popen[str]"]:
    """Run `dagster asset materialize` on `selection` as a child; both its streams are its `stdout`."""
    command = [sys.executable, "-m", "dagster", "asset", "materialize"]
    command += ["--select", selection, "-m", "definitions", "-d", str(settings.root)]
    with subprocess.Popen(
        command,
        cwd=settings.root,
        env=prepare(settings),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as child:
        yield child


def run_dev(settings: Settings, port: int) -> int:
    """Run `dagster dev` until it is stopped, and return its exit code.

    Raises:
        PlatformError: If Dagster's web server is not installed.
    """
    dagster = shutil.which("dagster", path=str(Path(sys.executable).parent)) or shutil.which(
        "dagster"
    )
    if dagster is None:
        raise PlatformError("dagster is not installed here; run `make install`")
    command = [dagster, "dev", "-w", str(settings.root / "workspace.yaml"), "-p", str(port)]
    return subprocess.call(command, cwd=settings.root, env=prepare(settings))
