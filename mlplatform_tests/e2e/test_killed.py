"""`kill -9` anywhere, then the same command again: the same versions as if nothing had happened."""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable

import psutil
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


def kill_when(home: Home, now: Callable[[Home], bool]) -> set[str]:
    """Walk, and kill the process as soon as `now`; return the commands that were running then.

    Its children are not killed with it, and have to go by themselves.
    """
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
    os.kill(process.pid, signal.SIGSTOP)
    children = running(process.pid)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    while running(process.pid):
        assert time.monotonic() < deadline, f"orphans: {running(process.pid)}"
        time.sleep(0.05)
    return children


def running(session: int) -> set[str]:
    """Return the command lines of the living processes of a session."""
    found = set()
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, ProcessLookupError):
            if os.getsid(process.pid) == session and process.status() != psutil.STATUS_ZOMBIE:
                found.add(" ".join(process.cmdline()))
    return found


def rows_are_landing(home: Home) -> bool:
    """A file of the source has begun; its commit comes some milliseconds later."""
    return any((home.folder / "state" / "lake" / "census_income" / "source").glob("*.parquet*"))


def rows_are_being_written(home: Home) -> bool:
    """The dataset's file has begun; its commit comes some milliseconds later."""
    folder = home.folder / "state" / "lake" / "census_income" / "dataset"
    return any(folder.glob("*.parquet*"))


def statistics_are_being_made(home: Home) -> bool:
    """TFDV's process has answered with a first file, and nothing of the profile is kept."""
    return any(home.temporary.glob("tfdv-request-*/*"))


def training_has_begun(home: Home) -> bool:
    """Its log is there, which is begun just before it, and no model yet."""
    return any((home.folder / "state" / "tracking").glob("*/census_income.model/log.jsonl"))


def the_model_is_registered(home: Home) -> bool:
    """The row is there, and its index entry and deployment are not, or not all."""
    folder = home.folder / "state" / "lake" / "census_income" / "registered_model"
    return any(folder.glob("_delta_log/*.json"))


def test_a_walk_killed_again_and_again_ends_like_an_undisturbed_one(
    deployed: Home, new_home: Callable[..., Home]
):
    """Each walk is the same command, and goes on where the one before was killed."""
    home = new_home()
    kill_when(home, rows_are_landing)
    assert home.digests().keys() <= {"source"}
    kill_when(home, rows_are_being_written)
    assert home.digests().keys() <= {"source", "dataset"}
    commands = kill_when(home, statistics_are_being_made)
    assert any("tfdv_worker.py" in command for command in commands)
    assert home.digests().keys() == {"source", "dataset"}
    kill_when(home, training_has_begun)
    assert "model" not in home.digests()
    kill_when(home, the_model_is_registered)
    again = home.materialize()
    assert again.returncode == 0, again.stderr[-3000:]
    assert home.digests() == deployed.digests()
    tables = home.lake.tables()
    assert sorted(tables) == sorted(t for t in deployed.lake.tables() if "predictions" not in t)
    aliases = MlflowIndex(f"sqlite:///{home.folder}/state/mlflow/mlflow.db").aliases(
        "census_income"
    )
    assert aliases == {"champion": "1"}
