"""How fast one network is trained and tuned on this machine's CPU, beside PyTorch and scikit-learn in the same minutes.

`.venv/bin/python benchmarks/training_speed.py --repetitions 3 [--only PART …] [--trials N]`: about ten minutes on two
quiet cores; on busy ones the peers, whose threads wait by spinning, take many times as long. Adult one-hot,
116-128-128-1, AdamW, 15 epochs, batches of 512, f32. All are warm and take turns; the peers are processes of their
own, in .venv-peers-training, which the first call makes from requirements/peers-training.lock. On Linux PyPI's torch
brings gigabytes of CUDA; an environment that has a CPU build already is left as it is. Parts measured earlier are kept
in the result. Of the tuning part's trials compiled each, and by PyTorch, some are run and all are reckoned from them.

What the caller's environment tells OpenBLAS of its processor is unset here, for all contestants: said of another
machine it slows NumPy and scikit-learn. The result names what was unset. Streaming has a script of its own,
benchmarks/training_stream.py.
"""

import argparse
import json
import os
import platform
import sys
import tempfile
import time
from importlib import metadata
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
TOLD = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")
# Before NumPy: OpenBLAS reads them once, when it is loaded.
UNSET = [name for name in TOLD if os.environ.pop(name, None) is not None]

from benchmarks.speed import parts  # noqa: E402 - after the path

RESULTS = ROOT / "benchmarks" / "results" / "training_speed.json"
QUIET = 1.0  # Load above which the result says that the machine was busy.


def main(asked: argparse.Namespace) -> None:
    """Measure the parts asked for, print them, and keep them beside the others."""
    kept = json.loads(RESULTS.read_text(encoding="utf-8"))["parts"] if RESULTS.exists() else {}
    with tempfile.TemporaryDirectory() as folder:
        bench = parts.Bench(Path(folder), asked.repetitions, asked.trials)
        for name in asked.only:
            load, started = os.getloadavg()[0], time.perf_counter()
            found: dict[str, Any] = parts.PARTS[name](bench)
            took = round(time.perf_counter() - started)
            found |= {"load_before": round(load, 2), "busy": load > QUIET, "took_seconds": took}
            kept[name] = found
            _keep(kept)
            print(name, json.dumps(found, indent=1), flush=True)


def _keep(kept: dict[str, Any]) -> None:
    result = {
        "command": " ".join(["benchmarks/training_speed.py", *sys.argv[1:]]),
        "unset": UNSET,
        "machine": f"{os.cpu_count()} CPUs, Python {platform.python_version()}",
        "versions": {name: metadata.version(name) for name in ("jax", "optax", "numpy")},
        "parts": kept,
    }
    RESULTS.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    known = list(parts.PARTS)
    parser.add_argument("--only", nargs="+", default=known, choices=known)
    parser.add_argument("--repetitions", type=int, default=3)
    parser.add_argument("--trials", type=int, default=32)
    main(parser.parse_args())
