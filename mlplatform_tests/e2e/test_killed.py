"""`kill -9` anywhere, then the same command again: the same versions as if nothing had happened."""

import os
import signal
import subprocess
import time
from collections.abc import Callable

import pytest

from mlplatform.registry.mlflow_index import MlflowIndex
from mlplatform_tests.conftest import ROOT
from mlplatform_tests.e2e.conftest import BIN, SECONDS, Home

pytestmark = pytest.mark.slow

COMMAND = [
    "dagster",
    "asset",
    "materialize",
    "--select",
    'key:"census_income/*"',
    "-m",
    "definitions",
]


def kill_when(home: Home, now: Callable[[Home], bool]) -> None:
    """Walk, and kill the process and its children as soon as `now`."""
    said = home.folder / "walk.log"
    with said.open("w") as log:
        process = subprocess.Popen(
            [str(BIN / COMMAND[0]), *COMMAND[1:]],
            cwd=ROOT,
            env=home.environment,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    deadline = time.monotonic() + SECONDS
    while not now(home):
        assert process.poll() is None, said.read_text()[-3000:]
        assert time.monotonic() < deadline, said.read_text()[-3000:]
        time.sleep(0.001)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def rows_are_being_written(home: Home) -> bool:
    """The dataset's file has begun; its commit comes some milliseconds later."""
    folder = home.folder / "state" / "lake" / "census_income" / "dataset"
    return any(folder.glob("*.parquet*"))


def training_has_begun(home: Home) -> bool:
    """The tracking database is there, which is made just before training, and no model yet."""
    return (home.folder / "state" / "mlflow" / "mlflow.db").exists()


def the_model_is_registered(home: Home) -> bool:
    """The row is there, and its index entry and deployment are not, or not all."""
    folder = home.folder / "state" / "lake" / "census_income" / "registered_model"
    return any(folder.glob("_delta_log/*.json"))


@pytest.mark.parametrize(
    "now", [rows_are_being_written, training_has_begun, the_model_is_registered]
)
def test_a_killed_walk_ends_like_an_undisturbed_one(
    deployed: Home, new_home: Callable[..., Home], now: Callable[[Home], bool]
):
    home = new_home()
    kill_when(home, now)
    if now is not the_model_is_registered:
        assert "model" not in home.digests()
    again = home.materialize()
    assert again.returncode == 0, again.stderr[-3000:]
    assert home.digests() == deployed.digests()
    tables = home.lake.tables()
    assert sorted(tables) == sorted(t for t in deployed.lake.tables() if "predictions" not in t)
    aliases = MlflowIndex(f"sqlite:///{home.folder}/state/mlflow/mlflow.db").aliases(
        "census_income"
    )
    assert aliases == {"champion": "1"}
