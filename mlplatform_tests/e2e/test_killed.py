"""`kill -9` anywhere, then the same command again: the same versions as if nothing had happened."""

import os
import signal
import subprocess
import time
from collections.abc import Callable

import pytest

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


def kill_when(home: Home, ready: Callable[[str], bool], after_seconds: float) -> str:
    """Walk, and kill the process and its children some time after a line that is `ready`; return what it said."""
    process = subprocess.Popen(
        [str(BIN / COMMAND[0]), *COMMAND[1:]],
        cwd=ROOT,
        env=home.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    said = ""
    deadline = time.monotonic() + SECONDS
    for line in process.stdout:
        said += line
        assert time.monotonic() < deadline, said
        if ready(line):
            break
    else:
        pytest.fail(f"the walk ended before it could be killed:\n{said}")
    time.sleep(after_seconds)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    return said


def features_are_written(line: str) -> bool:
    """The next thing that happens is training."""
    return "gate features_finite: pass" in line


def the_dataset_comes_next(line: str) -> bool:
    """The next thing that happens is typing the rows and writing them."""
    return "gate files_landed: pass" in line


@pytest.mark.parametrize(
    ("ready", "after_seconds", "unfinished"),
    [(features_are_written, 1.5, "model"), (the_dataset_comes_next, 0.05, "dataset")],
    ids=["in training", "in a write"],
)
def test_a_killed_walk_ends_like_an_undisturbed_one(
    deployed: Home,
    new_home: Callable[..., Home],
    ready: Callable,
    after_seconds: float,
    unfinished: str,
):
    home = new_home()
    kill_when(home, ready, after_seconds)
    assert unfinished not in home.digests() or unfinished == "dataset"
    again = home.materialize()
    assert again.returncode == 0, again.stderr[-3000:]
    assert home.digests() == deployed.digests()
    tables = home.lake.tables()
    assert sorted(tables) == sorted(t for t in deployed.lake.tables() if "predictions" not in t)
