"""Registered models to show, logs to send, a SQLite MLflow, and servers that are down, silent or real."""

import socket
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from mlplatform.registry import backend
from mlplatform.registry.outbox import Outbox, Subject
from mlplatform.registry.record import RegisteredModel
from mlplatform.registry.replay import Store
from mlplatform.registry.tracking import RunLog, tracked
from mlplatform.verdict import Outcome

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

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


class Home:
    """A folder of logs, one MLflow, and what tests ask it about the only asset's run."""

    def __init__(self, folder: Path, uri: str) -> None:
        self.outbox = Outbox(folder / "tracking", Store(uri, str(folder / "files")))
        self.subject = Subject(
            experiment=folder.name, asset="census/model", run_id="d4g5", job="walk"
        )
        self.said: list[str] = []

    def at(self, uri: str) -> "Home":
        """Return the same logs with another MLflow."""
        other = Home(self.outbox.folder.parent, uri)
        other.said = self.said
        return other

    def tracked(self) -> "AbstractContextManager[RunLog]":
        """Run a block with the log of the asset."""
        return tracked(self.outbox, self.subject, self.said.append)

    def send(self, **how: bool) -> list[str]:
        """Send as the command does."""
        return list(self.outbox.send(**how))

    @property
    def client(self) -> "MlflowClient":
        """MLflow's own client."""
        return backend.client(self.outbox.store.tracking_uri)

    def runs(self) -> "dict[str, Run]":
        """Return the runs by name; each name is there once."""
        experiment = self.client.get_experiment_by_name(self.subject.experiment)
        found = self.client.search_runs([experiment.experiment_id])
        named = {run.info.run_name: run for run in found}
        assert len(named) == len(found)
        return named

    def points(self, name: str, run: str = "census/model") -> list[tuple[int, float, int]]:
        """Return step, value and time of each point of a metric."""
        kept = self.client.get_metric_history(self.runs()[run].info.run_id, name)
        return [(point.step, point.value, point.timestamp) for point in kept]


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return the URI of a SQLite store; its schema costs seconds, so tests share it."""
    return f"sqlite:///{tmp_path_factory.mktemp('mlflow')}/mlflow.db"


@pytest.fixture
def home(store: str, tmp_path: Path) -> Home:
    """Return logs whose MLflow is `store`."""
    return Home(tmp_path, store)


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
