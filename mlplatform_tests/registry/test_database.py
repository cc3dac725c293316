"""The SQLite database of a new MLflow is there whole or not at all."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from mlplatform.registry import backend

MAKE = "from mlplatform.registry.backend import client; client({uri!r})"
SECONDS = 120


@pytest.mark.parametrize("after_seconds", [0.0, 0.2, 0.6])
def test_a_kill_while_the_schema_is_made_leaves_nothing_in_the_way(
    tmp_path: Path, after_seconds: float
):
    """MLflow refuses for ever a database that was killed in its first migration."""
    database = tmp_path / "mlflow.db"
    uri = f"sqlite:///{database}"
    child = subprocess.Popen([sys.executable, "-c", MAKE.format(uri=uri)])
    deadline = time.monotonic() + SECONDS
    while not list(tmp_path.glob("mlflow.db*")):
        assert child.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.01)
    time.sleep(after_seconds)
    child.send_signal(signal.SIGKILL)
    child.wait()
    assert backend.client(uri).search_experiments(max_results=1)
    assert [path.name for path in tmp_path.glob("mlflow.db*")] == ["mlflow.db"]


def test_two_processes_that_are_first_make_one_database(tmp_path: Path):
    uri = f"sqlite:///{tmp_path / 'mlflow.db'}"
    children = [subprocess.Popen([sys.executable, "-c", MAKE.format(uri=uri)]) for _ in range(2)]
    assert [child.wait(SECONDS) for child in children] == [0, 0]
    assert backend.client(uri).search_experiments(max_results=1)
