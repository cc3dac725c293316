"""Real writer processes, to be killed and raced.

Run as a program it imports the lake once and then forks a child for each job, which costs milliseconds instead of a
second; the libraries are imported but not used before the fork.
"""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Job:
    """What one child does: `calls` of `overwrite` or `append`, each `(start row, rows, token)`.

    Or of `optimize`, once for each call; or of `vacuum`, with the versions held as start rows.
    """

    root: str
    method: str
    calls: list[tuple[int, int, str]]
    options: dict[str, str] = field(default_factory=dict)
    table: str = "shop/orders"
    kill_at: str = ""  # A fault point.
    kill_after_seconds: float | None = None  # From when the child is about to write.


@dataclass(frozen=True, kw_only=True)
class End:
    """How a child ended: the signal that killed it, or the versions it was told."""

    killed_by: int
    numbers: list[int]
    error: str


class Crew:
    """The program as seen from a test; a context manager."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", __name__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[2],
        )

    def __enter__(self) -> "Crew":
        return self

    def __exit__(self, *_: object) -> None:
        self._process.stdin.close()  # type: ignore[union-attr]  # A pipe, by construction.
        self._process.wait(30)
        self._process.stdout.close()  # type: ignore[union-attr]

    def run(self, *jobs: Job) -> list[End]:
        """Start a child for each job at the same time; return how each ended."""
        self._process.stdin.write(json.dumps([asdict(job) for job in jobs]) + "\n")  # type: ignore[union-attr]
        self._process.stdin.flush()  # type: ignore[union-attr]
        answer = self._process.stdout.readline()  # type: ignore[union-attr]
        return [End(**end) for end in json.loads(answer)]


def _main() -> None:
    import boto3  # noqa: F401 - for the children.
    import deltalake  # noqa: F401
    import pyarrow.dataset  # noqa: F401

    import mlplatform.lake.parquet  # noqa: F401
    import mlplatform_tests.faults.upkeep
    import mlplatform_tests.lake.conftest  # noqa: F401

    for line in sys.stdin:
        children = [_start(Job(**job)) for job in json.loads(line)]
        print(json.dumps([_end(*child) for child in children]), flush=True)  # noqa: T201


def _start(job: Job) -> tuple[int, int, Job]:
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        status = 1
        try:
            os.write(writer, _work(job, writer))
            status = 0
        finally:
            os._exit(status)
    os.close(writer)
    return child, reader, job


def _work(job: Job, writer: int) -> bytes:
    from mlplatform.errors import LakeError
    from mlplatform.lake import Lake, faults
    from mlplatform_tests.faults import upkeep
    from mlplatform_tests.lake.conftest import BY, rows

    def kill(point: str) -> None:
        if point == job.kill_at:
            os.kill(os.getpid(), signal.SIGKILL)

    faults.hook = kill
    lake = Lake(job.root, job.options)
    table, numbers, error = lake.table(job.table), [], ""
    os.write(writer, b"!")
    try:
        if job.method in ("optimize", "vacuum"):
            numbers = getattr(upkeep, job.method)(lake, job.table, [call[0] for call in job.calls])
            return json.dumps({"numbers": numbers, "error": error}).encode()
        for start, count, token in job.calls:
            token_of = {"token": token} if job.method == "append" else {}
            numbers.append(getattr(table, job.method)(rows(start, count), BY, **token_of).number)
    except LakeError as refused:
        error = f"{type(refused).__name__}: {refused}"
    return json.dumps({"numbers": numbers, "error": error}).encode()


def _end(child: int, reader: int, job: Job) -> dict[str, Any]:
    with os.fdopen(reader, "rb") as told:
        told.read(1)
        if job.kill_after_seconds is not None:
            time.sleep(job.kill_after_seconds)
            os.kill(child, signal.SIGKILL)
        said = told.read()
    _, status = os.waitpid(child, 0)
    killed_by = os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0
    return {"numbers": [], "error": "", **json.loads(said or b"{}"), "killed_by": killed_by}


if __name__ == "__main__":
    _main()
