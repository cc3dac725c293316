"""MLflow dies, hangs, refuses; the one who logs is killed: nothing is lost, nothing is doubled, no secret is told."""

import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from mlplatform.errors import RegistryError
from mlplatform.registry import backend, live, spool
from mlplatform.registry.mlflow_index import MlflowIndex
from mlplatform_tests.conftest import ROOT
from mlplatform_tests.registry.conftest import Home, registered
from mlplatform_tests.registry.mlflow_process import MlflowProcess, answering

WRITER = """
import sys, time
from pathlib import Path
from mlplatform.registry.outbox import Outbox, Subject
from mlplatform.registry.replay import Store
from mlplatform.registry.tracking import tracked
folder, uri, experiment = sys.argv[1:]
outbox = Outbox(Path(folder), Store(uri, folder + "/files"))
subject = Subject(experiment=experiment, asset="census/model", run_id="d4g5", job="walk")
with tracked(outbox, subject, print) as run:
    run.params({"epochs": 100000})
    for step in range(100000):
        run.metrics({"loss": 1 / (1 + step)}, step)
        print(step, flush=True)
"""
HIDDEN = "hunter2 and a %/half"
QUOTED = "hunter2%20and%20a%20%25%2Fhalf"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[MlflowProcess]:
    process = MlflowProcess(tmp_path)
    yield process
    process.kill()


@pytest.mark.slow
def test_a_server_that_dies_midway_and_comes_back_has_every_value_once(
    tmp_path, server, monkeypatch
):
    """It answers at first, is killed while an asset logs, and is up again for the next one."""
    monkeypatch.setattr(live, "FIRST_SECONDS", 0.1)
    monkeypatch.setattr(live, "EVERY_SECONDS", 0.1)
    server.start()
    home = Home(tmp_path, server.uri)
    with home.tracked() as run:
        run.metrics({"loss": 1.0}, step=0)
        until = time.monotonic() + 60
        while spool.sent(home.outbox.logs()[0]).bytes == 0:  # It is shown while it goes on.
            assert time.monotonic() < until
            time.sleep(0.05)
        assert [value for _, value, _ in home.points("loss")] == [1.0]
        assert home.runs()["census/model"].info.status == "RUNNING"
        server.kill()
        for step in range(1, 50):
            run.metrics({"loss": 1 / (step + 1)}, step)
        with run.child("trial 0") as trial:
            trial.metrics({"auc": 0.9})
        run.artifact("card.json", b"{}")
    assert len(home.said) == 1
    assert server.uri in home.said[0]
    server.start()
    assert home.send() == ["census/model of run d4g5: sent"]
    assert home.send() == []
    home.send(everything=True)
    assert [step for step, _, _ in home.points("loss")] == list(range(50))
    found = home.runs()
    assert found.keys() == {"walk", "census/model", "trial 0"}
    assert {run.info.status for run in found.values()} == {"FINISHED"}
    run_id = found["census/model"].info.run_id
    assert [each.path for each in home.client.list_artifacts(run_id)] == ["card.json"]
    assert list((tmp_path / "served").rglob("card.json"))  # The server keeps files where it wants.


def test_a_writer_that_is_killed_loses_nothing_that_it_said(home, closed_port):
    folder = home.outbox.folder
    command = [sys.executable, "-c", WRITER, str(folder), closed_port, home.subject.experiment]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT, text=True) as writer:
        assert writer.stdout is not None
        last = -1
        while last < 300:
            last = int(writer.stdout.readline())
        writer.send_signal(signal.SIGKILL)
        last = max([last, *map(int, writer.stdout.read().split("\n")[:-1])])
    with (home.outbox.logs()[0] / spool.LOG).open("ab") as log:
        log.write(b'{"run":"","at":17672256')  # What a kill in the middle of a write leaves.
    assert home.send() == ["census/model of run d4g5: sent"]
    steps = [step for step, _, _ in home.points("loss")]
    assert steps == list(range(len(steps)))
    assert len(steps) > last
    assert home.runs()["census/model"].info.status == "KILLED"
    home.send(everything=True)
    assert len(home.points("loss")) == len(steps)


def test_a_delivery_that_is_killed_is_taken_up_again(home, closed_port, monkeypatch):
    """What MLflow took before it was written down that it had is the same when it is sent again."""
    away = home.at(closed_port)
    with away.tracked() as run:
        run.history({"loss": [0.5, 0.4]})
        with run.child("trial 0") as trial:
            trial.metrics({"auc": 0.9})
    marks: list[spool.Sent] = []
    with monkeypatch.context() as lost:
        lost.setattr(spool.Spool, "mark", lambda _, sent: marks.append(sent))
        home.send()
    assert len(marks) == 1
    assert len(home.outbox.waiting()) == 1
    home.send()
    assert home.runs().keys() == {"walk", "census/model", "trial 0"}
    assert [value for _, value, _ in home.points("loss")] == [0.5, 0.4]


def test_a_server_that_fails_every_request_is_one_warning(home):
    def fail(request: BaseHTTPRequestHandler) -> None:
        request.send_error(500)

    with answering(fail) as uri, home.at(uri).tracked() as run:
        run.metrics({"loss": 1.0})
    assert len(home.said) == 1
    assert "500" in home.said[0]
    assert home.send() == ["census/model of run d4g5: sent"]


def test_a_server_that_answers_nonsense_is_one_warning(home):
    def babble(request: BaseHTTPRequestHandler) -> None:
        page = b"<html>Please log in</html>"
        request.send_response(200)
        request.send_header("Content-Length", str(len(page)))
        request.end_headers()
        request.wfile.write(page)

    with answering(babble) as uri, home.at(uri).tracked() as run:
        run.metrics({"loss": 1.0})
    assert len(home.said) == 1
    assert len(home.outbox.waiting()) == 1


def test_a_server_that_hangs_is_given_up_and_one_warning(home, monkeypatch):
    monkeypatch.setattr(backend, "SERVER_SECONDS", 1.0)
    done = threading.Event()

    def hang(_: BaseHTTPRequestHandler) -> None:
        done.wait(60)

    with answering(hang) as uri:
        with home.at(uri).tracked() as run:
            run.metrics({"loss": 1.0})
        done.set()
    assert len(home.said) == 1
    assert "no answer within 1 s" in home.said[0]
    assert len(home.outbox.waiting()) == 1


def test_no_secret_of_the_address_is_kept_or_told(tmp_path, closed_port, caplog, capfd):
    """A password stands in the address; drivers and MLflow like to quote that."""
    caplog.set_level(logging.DEBUG)

    def fail(request: BaseHTTPRequestHandler) -> None:
        request.send_error(500)

    told = []
    with answering(fail) as up:
        for number, uri in enumerate((up, closed_port)):
            home = Home(tmp_path / str(number), uri.replace("//", f"//me:{QUOTED}@"))
            with home.tracked() as run:
                run.metrics({"loss": 1.0})
            told += home.said
            with pytest.raises(RegistryError) as wrong:
                MlflowIndex(home.outbox.store.tracking_uri).aliases("census")
            told += [str(wrong.value)]
    kept = [path.read_bytes().decode() for path in tmp_path.rglob("*") if path.is_file()]
    printed = capfd.readouterr()
    assert len(told) == 4
    assert all("***@127.0.0.1" in each for each in told)
    for text in (*told, *kept, caplog.text, printed.out, printed.err):
        assert HIDDEN not in text
        assert QUOTED not in text
        assert "hunter2" not in text


@pytest.mark.parametrize(
    "uri",
    [
        f"postgresql://me:{QUOTED}@db/mlflow",
        f"postgresql://db/mlflow?user=me&password={QUOTED}&sslmode=require",
        f"http://db:5000/?token={QUOTED}",
    ],
)
def test_an_address_is_shown_without_what_it_keeps_secret(uri):
    assert "hunter2" not in backend.shown(uri)
    said = f"could not connect to {uri} with {HIDDEN!r}"
    assert "hunter2" not in backend.without_secrets(uri, said)


@pytest.mark.parametrize("password", ["hunter#2", "hunter/2", "hunter?2", "hunter@2", "a:hunter2"])
def test_a_password_is_masked_whatever_it_holds(password):
    uri = f"postgresql://mlflow:{password}@db:5432/mlflow?sslmode=require"
    assert backend.shown(uri) == "postgresql://***@db:5432/mlflow?sslmode=require"
    for said in (f"cannot connect to {uri}", f"password {password!r}", f"to mlflow:{password}@db"):
        told = backend.without_secrets(uri, said)
        assert "hunter" not in told
        assert "***" in told


@pytest.mark.parametrize(
    "uri",
    [
        "mssql+pyodbc:///?odbc_connect=Driver%3D%7BODBC%7D%3BServer%3Ddb%3BUID%3Dsa%3BPWD%3Dhunter2",
        "postgresql://h/db?user=u&pwd=hunter2",
        "https://h/x?sig=hunter2",
        "https://h/x?whatever=hunter2&sslmode=require",
    ],
)
def test_of_a_query_only_known_words_are_shown(uri):
    assert "hunter2" not in backend.shown(uri)
    assert "hunter2" not in backend.without_secrets(uri, f"{uri}: PWD=hunter2; 'hunter2'")
    assert ("sslmode=require" in backend.shown(uri)) == ("sslmode" in uri)


def test_an_address_without_secrets_is_shown_as_it_is():
    for uri in (
        "sqlite:////home/me/mlflow.db",
        "http://127.0.0.1:5000",
        "http://db:5000/a?charset=utf8",
    ):
        assert backend.shown(uri) == uri
        assert backend.without_secrets(uri, f"{uri} is away") == f"{uri} is away"


def test_a_server_away_is_told_without_the_password_in_its_address():
    with pytest.raises(RegistryError) as told:
        MlflowIndex("http://mlflow:hunter/2@127.0.0.1:1").register("away", registered(1), "/x")
    assert "hunter" not in str(told.value)


def test_a_missing_driver_of_a_database_is_one_line(monkeypatch):
    def missing(_: str) -> None:
        raise ModuleNotFoundError("no psycopg")

    uri = "oracle+nodriver://me:hunter2@db/mlflow"
    with pytest.raises(RegistryError, match=r"oracle\+nodriver://\*\*\*@db/mlflow: ") as told:
        backend.client(uri)
    monkeypatch.setattr(backend, "_client", missing)
    with pytest.raises(RegistryError, match=r"no psycopg; install what its database needs"):
        backend.client("postgresql://me:hunter2@db/mlflow")
    assert "hunter2" not in str(told.value)


def test_logging_leaves_nothing_behind_in_the_process(home):
    """No active run is left, and no variable that another use of MLflow would follow."""
    import mlflow

    before = dict(os.environ)
    with home.tracked() as run:
        run.metrics({"loss": 1.0})
    assert mlflow.active_run() is None
    assert {k: v for k, v in os.environ.items() if before.get(k) != v} == {}
