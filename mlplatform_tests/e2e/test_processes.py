"""A whole pipeline whose model a second process trains along with, whatever executes the steps."""

import socket
import subprocess

import pytest

from mlplatform_tests.conftest import ROOT
from mlplatform_tests.e2e.conftest import BIN, Home
from mlplatform_tests.small import change

pytestmark = pytest.mark.slow


def shared(number: int, port: int) -> dict[str, str]:
    return {
        "MLPLATFORM_COORDINATOR": f"127.0.0.1:{port}",
        "MLPLATFORM_PROCESSES": "2",
        "MLPLATFORM_PROCESS_ID": str(number),
    }


@pytest.mark.parametrize("executor", ["in_process", "multiprocess"])
def test_a_worker_trains_along_with_the_step_that_trains(executor: str, walked_home: Home):
    home = walked_home
    change(home.pipeline, model__seed=1)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = int(free.getsockname()[1])
    worker = subprocess.Popen(
        [str(BIN / "mlplatform"), "train-worker", "census_income"],
        cwd=ROOT,
        env={**home.environment, **shared(1, port)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        environ = {"MLPLATFORM_EXECUTOR": executor, **shared(0, port)}
        done = home.materialize('key:"census_income/model"', **environ)
        assert done.returncode == 0, done.stderr[-3000:]
        said, err = worker.communicate(timeout=60)
    finally:
        worker.kill()
    assert worker.returncode == 0, err
    assert said.count("training census_income on census_income/features 0:") == 1
    model = home.lake.table("census_income/model").latest()
    assert model is not None
    assert model.number == 1


def test_a_run_that_trains_nothing_waits_for_no_other_process(walked_home: Home):
    change(walked_home.pipeline, split__seed=1)
    done = walked_home.materialize('key:"census_income/split"', **shared(0, 1))
    assert done.returncode == 0, done.stderr[-3000:]
    split = walked_home.lake.table("census_income/split").latest()
    assert split is not None
    assert split.number == 1
