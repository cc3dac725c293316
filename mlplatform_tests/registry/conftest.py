"""Registered models to show, a SQLite MLflow, and servers that are down, silent or real."""

import socket
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from mlplatform.registry import backend
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


@pytest.fixture
def mlflow_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Yield the address of MLflow's own REST handlers, in a thread of this process."""
    backend.load()
    from mlflow import server
    from werkzeug.serving import make_server

    monkeypatch.setenv(server.BACKEND_STORE_URI_ENV_VAR, f"sqlite:///{tmp_path}/mlflow.db")
    monkeypatch.setenv(server.ARTIFACT_ROOT_ENV_VAR, str(tmp_path / "files"))
    listening = make_server("127.0.0.1", 0, server.app, threaded=True)
    thread = threading.Thread(target=listening.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{listening.server_port}"
    listening.shutdown()
    thread.join()
