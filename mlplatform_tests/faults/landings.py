"""Landings to kill: a process that imports everything once and forks a child for each.

Run as a program it reads a line of JSON for each child. The libraries are imported but not used
before the fork.
"""

import importlib
import json
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from mlplatform.spec import Pipeline


def pipeline_in(folder: Path, source: dict[str, Any]) -> Pipeline:
    """The people's pipeline with this source."""
    from mlplatform_tests.ingest.landings import pipeline_of

    return pipeline_of(folder, **source)


class Killer:
    """The program as seen from a test; a context manager."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", __name__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[2],
        )

    def __enter__(self) -> "Killer":
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate(timeout=30)

    def land(self, folder: Path, source: dict[str, Any], step: int) -> bool:
        """Land in a child that dies at the `step`-th fault point; return whether it did.

        A landing that passes fewer points ends by itself.
        """
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps([str(folder), source, step]) + "\n")
        self._process.stdin.flush()
        status = json.loads(self._process.stdout.readline())
        assert status in (0, signal.SIGKILL)
        return bool(status)


IMPORTED = (  # For the children.
    "adbc_driver_sqlite.dbapi",
    "deltalake",
    "mlplatform.ingest.delimited",
    "mlplatform.ingest.source",
    "mlplatform.lake.parquet",
    "mlplatform_tests.ingest.landings",
    "pyarrow.dataset",
)


def _main() -> None:
    for name in IMPORTED:
        importlib.import_module(name)
    for line in sys.stdin:
        folder, source, step = json.loads(line)
        child = os.fork()
        if child == 0:
            status = 1
            try:
                _land(Path(folder), source, step)
                status = 0
            finally:
                os._exit(status)
        _, status = os.waitpid(child, 0)
        print(status, flush=True)  # noqa: T201


def _land(folder: Path, source: dict[str, Any], step: int) -> None:
    from mlplatform.ingest.source import Access, land
    from mlplatform.lake import Lake, faults
    from mlplatform_tests.ingest.conftest import LINEAGE

    tempfile.tempdir = str(folder.parent)  # What the killed leave there goes with the test.
    left = iter(range(step))

    def hook(_: str) -> None:
        if next(left, None) is None:
            os.kill(os.getpid(), signal.SIGKILL)

    faults.hook = hook
    secret = Access(secret=lambda _: f"sqlite:///{folder}/clinic.db")
    land(pipeline_in(folder, source), Lake(folder / "lake"), LINEAGE, secret)


if __name__ == "__main__":
    _main()
