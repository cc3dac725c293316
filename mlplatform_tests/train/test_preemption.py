"""SIGTERM is heard, once, and the handler before it comes back."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from mlplatform.errors import PlatformError, PreemptedError
from mlplatform.train.preemption import Preemption


@pytest.fixture
def heard() -> Iterator[list[int]]:
    """Signals that came through to the handler from before."""
    numbers: list[int] = []
    before = signal.signal(signal.SIGTERM, lambda number, _: numbers.append(number))
    yield numbers
    signal.signal(signal.SIGTERM, before)


def test_sigterm_is_remembered_and_the_second_one_goes_to_who_listened_before(
    heard: list[int],
) -> None:
    with Preemption() as preemption:
        assert not preemption.requested
        os.kill(os.getpid(), signal.SIGTERM)
        assert preemption.requested
        assert heard == []
        os.kill(os.getpid(), signal.SIGTERM)
        assert heard == [signal.SIGTERM]


def test_afterwards_the_handler_from_before_is_back(heard: list[int]) -> None:
    kept = "after epoch 3; the checkpoint is kept: run the same"
    with pytest.raises(PreemptedError, match=kept), Preemption() as preemption:
        raise preemption.error(3)
    os.kill(os.getpid(), signal.SIGTERM)
    assert heard == [signal.SIGTERM]
    assert issubclass(PreemptedError, PlatformError)


def test_in_another_thread_signals_are_left_alone(heard: list[int]) -> None:
    def other() -> None:
        with Preemption() as preemption:
            os.kill(os.getpid(), signal.SIGTERM)
            assert not preemption.requested

    thread = threading.Thread(target=other)
    thread.start()
    thread.join()
    assert heard == [signal.SIGTERM]


TRAINS = """
import os, sys
import jax.numpy as jnp
from pathlib import Path
from mlplatform.train.checkpoint import Checkpoints
from mlplatform.train.preemption import Preemption
checkpoints, like = Checkpoints(Path(sys.argv[1]), "recipe"), {"x": jnp.zeros(3)}
saved = checkpoints.newest(like)
epoch, state = (saved.step, saved.state) if saved else (0, like)
with Preemption() as preemption:
    while epoch < 5:
        state, epoch = {"x": state["x"] + 1}, epoch + 1
        print(epoch, flush=True)
        if epoch == 2 and not saved:
            sys.stdin.readline()
        if preemption.requested:
            checkpoints.save(epoch, state, {}, must=True)
            raise preemption.error(epoch)
print(float(state["x"].sum()))
"""


@pytest.mark.slow
def test_a_process_told_to_stop_saves_and_the_same_command_goes_on(tmp_path: Path) -> None:
    command = [sys.executable, "-c", TRAINS, str(tmp_path)]
    root = Path(__file__).parents[2]
    with subprocess.Popen(
        command,
        cwd=root,
        text=True,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as child:
        assert child.stdout is not None
        while child.stdout.readline().strip() != "2":
            pass
        child.terminate()
        _, errors = child.communicate("go\n")
    assert "PreemptedError: stopped by SIGTERM after epoch 2" in errors
    again = subprocess.run(command, cwd=root, text=True, capture_output=True, check=True)
    assert again.stdout.split() == ["3", "4", "5", "15.0"]
