"""`kill -9` of a real training: what was saved is there, and the end is the same to the last bit."""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mlplatform.train import checkpoint_state
from mlplatform.train.checkpoint_files import TEMPORARY, whole
from mlplatform_tests.train.killable import STEPS

ROOT = Path(__file__).parents[2]
MODULE = [sys.executable, "-m", "mlplatform_tests.train.killable"]
POINTS = 8  # Of about 150, spread evenly; 40 take 3 minutes on two busy cores.
FEWER = 25  # One training changes the disk a little less often than another: 144 to 153 times in twelve.
RANDOM_KILLS = 5


class Crew:
    """The process that forks trainings."""

    def __init__(self) -> None:
        self._child = subprocess.Popen(
            MODULE, cwd=ROOT, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )

    def train(self, folder: Path, *, point: int = 0, kill_after: float = 0) -> dict[str, Any]:
        """Return what a training said and how it ended, killed at a point or after some seconds."""
        assert self._child.stdin is not None
        assert self._child.stdout is not None
        self._child.stdin.write(json.dumps({"folder": str(folder), "point": point}) + "\n")
        self._child.stdin.flush()
        number = int(self._child.stdout.readline())
        timer = threading.Timer(kill_after, os.kill, (number, signal.SIGKILL))
        if kill_after:
            timer.start()
        ended: dict[str, Any] = json.loads(self._child.stdout.readline())
        timer.cancel()
        return ended

    def close(self) -> None:
        """End the process."""
        self._child.communicate()


@pytest.fixture(scope="module")
def crew() -> Iterator[Crew]:
    crew = Crew()
    yield crew
    crew.close()


@pytest.fixture(scope="module")
def undisturbed(crew: Crew, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, int]:
    """The end of a training nobody killed, and how often it changed the disk."""
    said = crew.train(tmp_path_factory.mktemp("undisturbed"))["said"]
    return said[-2].split(" end ")[1], int(said[-1].split()[1])


def holds(crew: Crew, folder: Path, end: str, killed: dict[str, Any]) -> None:
    """Resume a killed training, and hold it against the undisturbed one."""
    saved = [int(line.split()[1]) for line in killed["said"] if line.startswith("saved")]
    again = crew.train(folder)["said"]
    start, warned, ended = again[-2].split(" ")[1::2]
    assert int(start) in {max(saved, default=0), max(saved, default=0) + 1}  # Whole, but unsaid.
    assert (int(warned), ended) == (0, end)
    assert [int(f.name.split("-")[1]) for f in whole(folder / "recipe")][:1] == [STEPS]
    assert len(whole(folder / "recipe")) <= 3  # One more where the kill kept it from going.
    assert not list((folder / "recipe").glob(f".*{TEMPORARY}"))


@pytest.mark.slow
def test_killed_at_any_change_of_the_disk_it_goes_on_and_ends_in_the_same_bits(
    crew: Crew, undisturbed: tuple[str, int], tmp_path: Path
) -> None:
    end, calls = undisturbed
    assert calls > POINTS + FEWER
    for point in np.unique(np.linspace(1, calls - FEWER, POINTS).astype(int)).tolist():
        folder = tmp_path / str(point)
        killed = crew.train(folder, point=point)
        assert killed["status"] == signal.SIGKILL
        holds(crew, folder, end, killed)
        shutil.rmtree(folder)


@pytest.mark.slow
def test_killed_at_random_again_and_again_it_ends_in_the_same_bits(
    crew: Crew, undisturbed: tuple[str, int], tmp_path: Path
) -> None:
    dice = random.Random(5)  # noqa: S311  a seed, no secret
    killed = 0
    for n in range(RANDOM_KILLS):
        folder = tmp_path / str(n)
        one = crew.train(folder, kill_after=dice.uniform(0.2, 1.5))
        killed += one["status"] == signal.SIGKILL
        if one["status"] == signal.SIGKILL:
            holds(crew, folder, undisturbed[0], one)
    assert killed


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")
@pytest.mark.parametrize(("call", "when"), [("rename", 7), ("fsync", 7), ("mkdir", 3)])
def test_killed_in_a_system_call_of_orbax_it_goes_on_and_ends_in_the_same_bits(
    crew: Crew, undisturbed: tuple[str, int], tmp_path: Path, call: str, when: int
) -> None:
    """Python sees no call that TensorStore makes."""
    kill = f"inject={call}:signal=KILL:when={when}"  # Counted for each thread.
    command = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", f"trace={call}", "-e", kill, *MODULE]
    folder = tmp_path / "traced"
    done = subprocess.run(
        [*command, str(folder)], cwd=ROOT, text=True, capture_output=True, check=False
    )
    if "PTRACE" in done.stderr or "ptrace" in done.stderr:
        pytest.skip("processes may not be traced here")
    assert done.returncode == -signal.SIGKILL
    holds(crew, folder, undisturbed[0], {"said": done.stdout.splitlines()})


def test_without_digests_orbax_restores_flipped_bits_in_silence(tmp_path: Path) -> None:
    """The control of all tests about damage: the fault is real."""
    noise = np.random.default_rng(0).random((4096,), np.float32)
    like = {"x": jnp.asarray(noise)}
    checkpoint_state.write(tmp_path, like)
    data = max((tmp_path / "state").rglob("d/*"), key=lambda file: file.stat().st_size)
    flipped = bytearray(data.read_bytes())
    flipped[len(flipped) // 2] ^= 1
    data.write_bytes(flipped)
    found = checkpoint_state.read(tmp_path, like, [False])
    assert not jax.numpy.array_equal(found["x"], like["x"])
