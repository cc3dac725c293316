"""Training logs that MLflow missed are sent by a command, and nothing is sent twice."""

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from mlplatform.cli.main import app
from mlplatform.errors import RegistryError
from mlplatform.registry import backend
from mlplatform.registry.outbox import Outbox, Subject
from mlplatform.registry.replay import Store
from mlplatform.registry.tracking import tracked

AWAY = "http://me:hunter2@127.0.0.1:9"  # The discard port: nothing listens there.


def send(home: Path, *words: str, **environ: str) -> Result:
    """Run the command on the state in `home`, in this checkout."""
    settings = {"MLPLATFORM_HOME": str(home), **environ}
    return CliRunner().invoke(app, ["tracking", "send", *words], env=settings)


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    """Return a home with one log that MLflow missed."""
    outbox = Outbox(tmp_path / "tracking", Store(AWAY, ""))
    subject = Subject(experiment="census", asset="census/model", run_id="d4g5", job="walk")
    with tracked(outbox, subject) as run:
        run.metrics({"loss": 0.5})
    return tmp_path


def test_what_is_kept_is_sent_once_and_said(kept: Path):
    done = send(kept)
    assert done.exit_code == 0, done.output
    said = ["census/model of run d4g5: sent", "MLflow has every training log"]
    assert done.output.splitlines()[-2:] == said
    assert send(kept).output.splitlines() == said[1:]
    assert send(kept, "--all").output.splitlines() == said
    client = backend.client(f"sqlite:///{kept}/mlflow/mlflow.db")
    experiment = client.get_experiment_by_name("census")
    assert experiment is not None
    assert len(client.search_runs([experiment.experiment_id])) == 2


def test_mlflow_that_is_away_is_one_line_without_its_password(kept: Path):
    done = send(kept, MLPLATFORM_MLFLOW_URI=AWAY)
    assert done.exit_code == 1
    assert isinstance(done.exception, RegistryError)
    assert str(done.exception).startswith("MLflow at http://***@127.0.0.1:9 cannot be reached")


def test_a_home_without_logs_has_nothing_to_send(tmp_path: Path):
    done = send(tmp_path, MLPLATFORM_MLFLOW_URI=AWAY)
    assert (done.exit_code, done.output) == (0, "MLflow has every training log\n")
