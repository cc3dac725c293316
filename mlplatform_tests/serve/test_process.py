"""A server does not outlive the process that started it."""

import os
import signal
import subprocess
import sys
import time

import pytest

from mlplatform_tests.serve.conftest import World

pytestmark = pytest.mark.slow

PARENT = """
import sys, time
from mlplatform.serve.process import ServerProcess
with ServerProcess(sys.argv[1], "census", options={"max-rows": 1}) as server:
    print(server.pid, flush=True)
    time.sleep(600)
"""
SECONDS = 60


def is_running(pid: int) -> bool:
    """Whether a process is there and no zombie."""
    try:
        with open(f"/proc/{pid}/stat") as stat:  # noqa: PTH123  a file of the kernel
            return stat.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_killing_the_parent_ends_the_server(world: World):
    """A demo that was killed would leave its port taken otherwise."""
    world.deploy(world.models[0])
    command = [sys.executable, "-c", PARENT, str(world.root)]
    parent = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    server = int(parent.stdout.readline())
    assert is_running(server)
    os.kill(parent.pid, signal.SIGKILL)
    parent.wait()
    deadline = time.monotonic() + SECONDS
    while is_running(server) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not is_running(server)
