"""One training by two processes that exchange gradients by gloo, and how they find each other."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import yaml

from mlplatform.cli.train_worker import run
from mlplatform.errors import PlatformError, TrainingError
from mlplatform.settings import Processes, Settings
from mlplatform.spec.load import COMPONENT
from mlplatform.train import distributed, together
from mlplatform_tests.features import people
from mlplatform_tests.train.test_mesh import BOUND

Outcome = tuple[dict[str, Any], subprocess.CompletedProcess[str]]
ROOT = Path(__file__).resolve().parents[2]
WORKER = ["-c", "from mlplatform.cli.main import main; main()", "train-worker", "people"]
LEADER = ["-m", "mlplatform_tests.train.leading"]


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def prepared(folder: Path) -> dict[str, str]:
    """Write the pipeline of people, and return what all processes of its training have in common."""
    spec = people.pipeline(folder).spec.model_dump(mode="json", exclude_unset=True)
    (folder / "pipelines" / "people").mkdir(parents=True)
    content = yaml.safe_dump({"type": COMPONENT, "attributes": spec})
    (folder / "pipelines" / "people" / "defs.yaml").write_text(content)
    _share_programs(folder)
    return {
        "MLPLATFORM_HOME": str(folder / "home"), "MLPLATFORM_PIPELINES": str(folder / "pipelines"),
        "MLPLATFORM_COORDINATOR": f"127.0.0.1:{free_port()}", "MLPLATFORM_PROCESSES": "2",
        "XLA_FLAGS": "",
    }  # fmt: skip


def _share_programs(folder: Path) -> None:
    """Have all tests of the session keep what XLA compiled in one place."""
    programs = folder.parent / "programs_of_two"
    programs.mkdir(exist_ok=True)
    (folder / "home" / "cache").mkdir(parents=True)
    (folder / "home" / "cache" / "xla").symlink_to(programs)


def started(shared: dict[str, str], number: int, *words: object) -> subprocess.Popen[str]:
    env = {**os.environ, **shared, "MLPLATFORM_PROCESS_ID": str(number)}
    pipe, command = subprocess.PIPE, [sys.executable, *map(str, words)]
    return subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, cwd=ROOT, env=env)


def two(folder: Path, *how: str) -> Outcome:
    """Run a leader and a worker to their ends; return what the first said, and how the other ended.

    Where the worker is to be killed, it is once there is a checkpoint.
    """
    shared = prepared(folder)
    worker = started(shared, 1, *WORKER)
    if "nothing" in how:
        idle = started(shared, 0, *LEADER, folder, *how)
        assert idle.wait(120) == 0, idle.communicate()
        how = how[:2]
    leader = started(shared, 0, *LEADER, folder, *how)
    try:
        if "killed" in how:
            while not list((folder / "home" / "checkpoints").glob("*/*/manifest.json")):
                assert leader.poll() is None, leader.communicate()
                time.sleep(0.2)
            worker.kill()
        out, err = leader.communicate(timeout=240)
        assert leader.returncode == (-signal.SIGABRT if "killed" in how else 0), err
        said = worker.communicate(timeout=60)
    finally:
        leader.kill()
        worker.kill()
    # Gloo says on the same stream whom it is connected to.
    return json.loads(out.splitlines()[-1]), subprocess.CompletedProcess(
        "", worker.returncode, *said
    )


@pytest.mark.slow
@pytest.mark.parametrize("how", [("mlp", "memory", "late"), ("tabm", "stream")], ids=":".join)
def test_two_processes_come_to_the_result_of_one(how, tmp_path):
    """A worker also waits longer than gloo does to hear what is trained."""
    said, worker = two(tmp_path, *how)
    assert "wrong" not in said
    assert worker.returncode == 0, worker.stderr
    assert "training people on people/features 5:" in worker.stdout
    assert "epoch 4/4  train_loss" in worker.stdout
    assert said["processes"] == 2
    assert said["params"] < BOUND
    assert said["predictions"] < BOUND
    assert said["steps"] == 20
    assert said["meter"] == 2, "each device costs"
    assert said["resumed"], "what both saved, both take up"


@pytest.mark.slow
def test_a_worker_waits_on_where_the_first_process_ends_without_training(tmp_path):
    said, worker = two(tmp_path, "mlp", "memory", "nothing")
    assert said["resumed"]
    assert worker.returncode == 0, worker.stderr
    assert "the first process trained nothing" in worker.stdout


@pytest.mark.slow
def test_a_worker_that_no_first_process_comes_for_says_so_and_fails(tmp_path):
    worker = started(prepared(tmp_path), 1, *WORKER, "--wait", 1)
    _, err = worker.communicate(timeout=60)
    assert worker.returncode == 1
    assert "process 1 of 2 waited 1 s at 127.0.0.1:" in err
    assert "for process 0; start all of them" in err


@pytest.mark.slow
def test_a_worker_that_waits_ends_when_it_is_told_to(tmp_path):
    shared = prepared(tmp_path)
    worker = started(shared, 1, *WORKER)
    leader = started(shared, 0, *LEADER, tmp_path, "mlp", "memory", "late")
    try:
        assert any("[Gloo] Rank 1 is connected" in said for said in worker.stdout or [])
        worker.terminate()
        assert worker.wait(20) == -signal.SIGTERM
    finally:
        for each in (worker, leader):
            each.kill()
            each.communicate()


@pytest.mark.slow
def test_a_training_that_fails_fails_in_both_and_leaves_neither_waiting(tmp_path):
    said, worker = two(tmp_path, "mlp", "memory", "rate")
    assert "lower model.learning_rate" in said["wrong"]
    assert worker.returncode == 1
    assert "lower model.learning_rate" in worker.stdout


@pytest.mark.slow
def test_a_worker_that_is_killed_ends_the_training_in_one_clear_error(tmp_path):
    """JAX itself then ends the first process, half a minute later, for it cannot take leave in order."""
    said, worker = two(tmp_path, "mlp", "memory", "killed")
    assert "people: the training of 2 processes broke off: " in said["wrong"]
    assert "start all again, and it goes on from its checkpoint" in said["wrong"]
    assert worker.returncode == -signal.SIGKILL


@pytest.mark.slow
def test_a_worker_that_reads_other_rows_is_found_before_the_first_step(tmp_path):
    said, worker = two(tmp_path, "mlp", "memory", "lake")
    assert "another process cannot read what is trained on" in said["wrong"]
    assert worker.returncode == 1
    assert "give all the same MLPLATFORM_LAKE" in worker.stdout


HOST = {"MLPLATFORM_COORDINATOR": "trainer-0:4000"}
ALL = {**HOST, "MLPLATFORM_PROCESSES": "4", "MLPLATFORM_PROCESS_ID": "3"}


def settings(environ: dict[str, str]) -> Settings:
    return Settings.from_environment(environ, Path("/nowhere"))


def test_processes_are_named_by_three_settings_or_found_by_one():
    assert settings({}).processes is None
    assert settings({}).devices is None
    assert settings({"MLPLATFORM_DEVICES": "8"}).devices == 8
    assert settings(ALL).processes == Processes(coordinator="trainer-0:4000", count=4, number=3)
    auto = settings({"MLPLATFORM_COORDINATOR": "auto"}).processes
    assert auto == Processes(coordinator="auto")


@pytest.mark.parametrize(
    ("environ", "said"),
    [
        (HOST, "MLPLATFORM_PROCESSES is missing; many processes need .*=auto alone"),
        ({"MLPLATFORM_PROCESS_ID": "1"}, "MLPLATFORM_COORDINATOR is missing"),
        ({**ALL, "MLPLATFORM_COORDINATOR": "auto"}, "MLPLATFORM_PROCESSES is set beside"),
        ({**ALL, "MLPLATFORM_COORDINATOR": "trainer-0"}, "is 'trainer-0'; give host:port, or auto"),
        ({**ALL, "MLPLATFORM_PROCESS_ID": "4"}, "PROCESS_ID is 4; of 4 processes the last is 3"),
        ({**ALL, "MLPLATFORM_PROCESSES": "two"}, "PROCESSES is 'two'; give a whole number, 1 or"),
        ({"MLPLATFORM_DEVICES": "0"}, "MLPLATFORM_DEVICES is '0'; give a whole number, 1 or more"),
    ],
)
def test_settings_that_name_no_processes_are_refused(environ, said):
    with pytest.raises(PlatformError, match=said):
        settings(environ)


@pytest.mark.parametrize("environ", [{}, {**ALL, "MLPLATFORM_PROCESS_ID": "0"}])
def test_a_worker_without_a_first_process_is_refused(environ):
    with pytest.raises(PlatformError, match="process 0 is the run that it trains along with"):
        run(settings(environ), "people")


def test_one_process_asks_nobody():
    distributed.start(None)
    with together.joined():
        assert (together.count(), together.index()) == (1, 0)
        assert together.first(7) == 7
        assert together.text("größer") == "größer"
        assert together.anywhere(flag=True)
        together.wait("here")


def test_a_cluster_that_is_not_there_is_one_clear_error(fresh_python):
    program = """
from mlplatform.cli.train_worker import run
from mlplatform.errors import TrainingError
from mlplatform.settings import Processes
from mlplatform.train import distributed
for one in (Processes(coordinator="auto"), ):
    try:
        distributed.start(one)
    except TrainingError as wrong:
        print(wrong)
"""
    assert "MLPLATFORM_COORDINATOR=auto found no cluster" in fresh_python(program)
    assert issubclass(TrainingError, PlatformError)
