"""Registered models to show, a SQLite MLflow, and servers that are down, silent or real."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from mlplatform.registry.record import RegisteredModel
from mlplatform.verdict import Outcome

AT = datetime(2026, 1, 1, tzinfo=UTC)


def registered(version: int, **changes: object) -> RegisteredModel:
    """Return a registered model whose digest is made of its version."""
    known = {
        "model_version": version,
        "model_digest": f"{version:064x}",
        "metrics": {"auc": 0.91},
        "verdict": Outcome.PASS,
        "verdict_digests": {"policy": "f" * 64},
        "code_version": "4f1c",
        "data_versions": {"census_income/dataset": "3:9f86d081884c7d65"},
        "registered_at": AT,
    }
    return RegisteredModel(**{**known, **changes})


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return the URI of a SQLite store; its schema costs seconds, so tests share it."""
    return f"sqlite:///{tmp_path_factory.mktemp('mlflow')}/mlflow.db"


@pytest.fixture
def closed_port() -> str:
    """Return the address of a port where nothing listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{taken.getsockname()[1]}"


@pytest.fixture
def silent_server() -> Iterator[str]:
    """Yield the address of a server that accepts connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"


@pytest.fixture(scope="session")
def mlflow_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Yield the address of a real MLflow server."""
    folder = tmp_path_factory.mktemp("server")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    process = _start(folder, port)
    try:
        _wait(url, process)
        yield url
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _start(folder: Path, port: int) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-m", "mlflow", "server", "--workers", "1", "--port", str(port)]
    command += ["--backend-store-uri", f"sqlite:///{folder}/mlflow.db"]
    command += ["--artifacts-destination", str(folder / "files")]
    quiet = {"MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    with (folder / "log").open("wb") as log:
        return subprocess.Popen(
            command,
            env={**os.environ, **quiet},
            cwd=folder,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )


def _wait(url: str, process: "subprocess.Popen[bytes]") -> None:
    end = time.monotonic() + 60
    while time.monotonic() < end and process.poll() is None:
        try:
            with urllib.request.urlopen(f"{url}/health", timeout=2):
                return
        except OSError:
            time.sleep(0.2)
    pytest.fail("the MLflow server did not start")
