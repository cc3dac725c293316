"""The rows that studies are tested on, and processes that work on one."""

import functools
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mlplatform.spec import Pipeline
from mlplatform.train.data import Data, prepare
from mlplatform_tests.conftest import ROOT
from mlplatform_tests.features import people


@functools.cache
def rows() -> Data:
    """Three hundred people."""
    encoder, table = people.features(rows=300)
    return prepare(people.pipeline(Path("people")), table, encoder)


def made(folder: Path, trials: int = 6, **changes: Any) -> Pipeline:
    """A pipeline of people with a study; `tuning` adds to that section, keywords replace others."""
    tuning = {"trials": trials, **changes.pop("tuning", {})}
    return people.pipeline(folder, tuning=tuning, **changes)


class Processes:
    """Processes that each run `mlplatform_tests.tune.worker`; none outlives its test."""

    def __init__(self) -> None:
        self._started: list[subprocess.Popen[str]] = []

    def start(self, folder: Path, storage: str, trials: int) -> subprocess.Popen[str]:
        """Start one; it prints a line for each trial and then the table's digest."""
        command = [sys.executable, "-m", "mlplatform_tests.tune.worker"]
        process = subprocess.Popen(
            [*command, str(folder), storage, str(trials)],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT,
        )  # fmt: skip
        self._started.append(process)
        return process

    def end(self) -> None:
        """Kill what still runs."""
        for process in self._started:
            process.kill()
            process.communicate()


@pytest.fixture
def processes() -> Iterator[Processes]:
    """Starts processes."""
    started = Processes()
    yield started
    started.end()
