"""How fast one network is trained and tuned on this machine's CPU, beside PyTorch and scikit-learn in the same minutes.

`.venv/bin/python benchmarks/training_speed.py [--only PART …] [--repetitions N] [--trials N]`: about 15 minutes on two
quiet cores, most of it PyTorch's and the recompiling trials. Adult one-hot, 116-128-128-1, AdamW, 15 epochs, batches
of 512, f32. All are warm and take turns; the peers are processes of their own, in .venv-peers-training, which the
first call makes from requirements/peers-training.lock. On Linux PyPI's torch brings gigabytes of CUDA; an environment
that has a CPU build already is left as it is. Parts measured earlier are kept in the result.
"""

import argparse
import json
import os
import platform
import sys
import tempfile
from importlib import metadata
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.speed import parts  # noqa: E402 - after the path

RESULTS = ROOT / "benchmarks" / "results" / "training_speed.json"
QUIET = 1.0  # Load above which the result says that the machine was busy.


def main(asked: argparse.Namespace) -> None:
    """Measure the parts asked for, print them, and keep them beside the others."""
    kept = json.loads(RESULTS.read_text(encoding="utf-8"))["parts"] if RESULTS.exists() else {}
    with tempfile.TemporaryDirectory() as folder:
        bench = parts.Bench(Path(folder), asked.repetitions, asked.trials)
        for name in asked.only:
            load = os.getloadavg()[0]
            found: dict[str, Any] = parts.PARTS[name](bench)
            found |= {"load_before": round(load, 2), "busy": load > QUIET}
            kept[name] = found
            _keep(kept)
            print(name, json.dumps(found, indent=1), flush=True)


def _keep(kept: dict[str, Any]) -> None:
    result = {
        "command": "benchmarks/training_speed.py",
        "machine": f"{os.cpu_count()} CPUs, Python {platform.python_version()}",
        "versions": {name: metadata.version(name) for name in ("jax", "optax", "numpy")},
        "parts": kept,
    }
    RESULTS.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    known = list(parts.PARTS)
    parser.add_argument("--only", nargs="+", default=known, choices=known)
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--trials", type=int, default=32)
    main(parser.parse_args())
