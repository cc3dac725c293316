"""A small training to kill: every step is saved, and its end is known bit by bit.

`python -m mlplatform_tests.train.killable FOLDER` takes jobs as lines of JSON and forks for each:
JAX is imported once, but no backend starts before the fork.
"""

import hashlib
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from mlplatform.train.checkpoint import Checkpoints

STEPS = 4
CALLS = (
    "fsync",
    "rename",
    "mkdir",
    "unlink",
    "rmdir",
)  # Of Python's: all that change what is there.


def train(folder: Path) -> str:
    """Train on from the newest checkpoint; return step gone on from, and the end in hex."""

    def update(state: dict[str, jax.Array]) -> dict[str, jax.Array]:
        noise = jax.random.normal(jax.random.fold_in(state["key"], state["step"]), (64, 64))
        w = jnp.tanh(state["w"] @ state["w"] * 0.1 + noise).astype(jnp.float32)
        return {"w": w, "h": w.astype(jnp.bfloat16), "step": state["step"] + 1, "key": state["key"]}

    step = jax.jit(update, donate_argnums=0)
    state: Any = {"w": jnp.zeros((64, 64)), "h": jnp.zeros((64, 64), jnp.bfloat16)}
    state |= {"step": jnp.int32(0), "key": jax.random.key(1)}
    checkpoints = Checkpoints(folder, "recipe", keep=2)
    saved = checkpoints.newest(state)
    state, at = (saved.state, saved.step) if saved else (state, 0)
    for now in range(at + 1, STEPS + 1):
        state = step(state)
        assert checkpoints.save(now, state, {"now": now}) == ""
        say(f"saved {now}")
    end = np.asarray(state["w"]).tobytes() + np.asarray(state["h"]).tobytes()
    return f"from {at} warned {len(checkpoints.warnings)} end {hashlib.sha256(end).hexdigest()}"


def say(line: object) -> None:
    """Print a line that whoever kills us will have read."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def die_at(point: int) -> list[int]:
    """Have this process killed at its `point`-th call of `CALLS`; 0 is never. Returns their count."""
    count = [0]

    def watched(name: str, call: Any) -> Any:
        def wrapped(*args: Any, **more: Any) -> Any:
            count[0] += 1
            if count[0] == point:
                os.kill(os.getpid(), signal.SIGKILL)
            return call(*args, **more)

        return wrapped

    for name in CALLS:
        setattr(os, name, watched(name, getattr(os, name)))
    return count


def serve() -> None:
    """Fork for each job on stdin; answer with its output and how it ended."""
    import orbax.checkpoint  # noqa: F401  before the fork

    for line in sys.stdin:
        job = json.loads(line)
        out = Path(job["folder"] + ".out")
        child = os.fork()
        if not child:
            os.dup2(os.open(out, os.O_CREAT | os.O_TRUNC | os.O_WRONLY), 1)
            count = die_at(job["point"])
            say(train(Path(job["folder"])))
            say(f"calls {count[0]}")
            os._exit(0)
        say(child)
        _, status = os.waitpid(child, 0)
        say(json.dumps({"said": out.read_text().splitlines(), "status": status}))


if __name__ == "__main__":
    if len(sys.argv) > 1:
        say(train(Path(sys.argv[1])))
    else:
        serve()
