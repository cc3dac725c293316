"""Two processes of one training decide alike, and keep one checkpoint between them."""

import json
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from mlplatform.train import together

TWO = """
import json, sys
import jax
number, folder, address = int(sys.argv[1]), sys.argv[2], sys.argv[3]
jax.distributed.initialize(address, 2, number)
import numpy as np
from contextlib import ExitStack
from pathlib import Path
from jax.sharding import Mesh, NamedSharding, PartitionSpec
from mlplatform.spec.budget import Budget
from mlplatform.train import together
from mlplatform.train.budget import Meter
from mlplatform.train.checkpoint import Checkpoints

stack = ExitStack()
stack.enter_context(together.joined())
mesh = Mesh(np.array(jax.devices()), ("data",))

def array(values, spec):
    sharding = NamedSharding(mesh, spec)
    return jax.make_array_from_callback(values.shape, sharding, lambda at: values[at])

like = {
    "dealt": array(np.arange(8, dtype=np.float32), PartitionSpec("data")),
    "same": array(np.ones(2, np.float32), PartitionSpec()),
}
checkpoints = Checkpoints(Path(folder), "recipe", clock=lambda: 0.0 if number else 100.0)
before = checkpoints.newest(like)
said = [checkpoints.save(step, jax.tree.map(lambda x: x * step, like), {}) for step in (1, 2)]
saved = checkpoints.newest(like)
print(json.dumps({
    "first": together.first(number + 5),
    "text": together.text("né" * (3 - number)),
    "anywhere": together.anywhere(number == 1),
    "reached": Meter(Budget(wall_seconds=1), 1, clock=iter([0.0, 9.0 * (1 - number)]).__next__).reached(0),
    "before": before, "said": said, "step": saved.step,
    "dealt": [np.asarray(s.data).tolist() for s in saved.state["dealt"].addressable_shards],
    "same": np.asarray(saved.state["same"].addressable_shards[0].data).tolist(),
    "placed": saved.state["dealt"].sharding == like["dealt"].sharding,
}))
"""


def test_a_training_of_one_process_decides_alone() -> None:
    assert (together.first(-3), together.anywhere(True), together.anywhere(False)) == (
        -3,
        True,
        False,
    )
    together.wait("nobody")


@pytest.mark.slow
def test_two_processes_decide_alike_and_go_on_from_one_checkpoint(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = f"127.0.0.1:{free.getsockname()[1]}"
    children = [
        subprocess.Popen(
            [sys.executable, "-c", TWO, str(number), str(tmp_path), address],
            cwd=Path(__file__).parents[2],
            text=True,
            stdout=subprocess.PIPE,
        )
        for number in (0, 1)
    ]
    try:
        told: list[dict[str, Any]] = [
            json.loads(child.communicate(timeout=200)[0].splitlines()[-1]) for child in children
        ]
    finally:
        for child in children:
            child.kill()
    assert [one.pop("dealt") for one in told] == [[[0, 2, 4, 6]], [[8, 10, 12, 14]]]
    assert told[0] == told[1]
    assert told[0] == {
        "first": 5,
        "text": "nénéné",
        "anywhere": True,
        "reached": "budget.wall_seconds of 1 reached",
        "before": None,
        "said": ["", ""],
        "step": 2,
        "same": [2, 2],
        "placed": True,
    }
