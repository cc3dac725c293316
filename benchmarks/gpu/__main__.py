"""The trainer on a GPU: `python -m benchmarks.gpu`, from the root of a checkout.

Needs a GPU, and in any environment: jax (0.10 to 0.12, with CUDA), optax, numpy, pydantic and pyyaml. Nothing
is installed, no orchestrator and no file is read. Prints for each case examples a second, its share of what the same
device reaches on a bfloat16 product and on a copy, and memory; and writes benchmarks/results/training_gpu.json. Five
minutes. Where JAX sees no GPU it says so, and nothing else; where a case fails, it ends with 1. `--cpu-smoke` runs tiny
shapes on a CPU, to see that the script works: it gives no figures.
"""

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
RESULTS = ROOT / "benchmarks" / "results" / "training_gpu.json"
NAMES = (
    *("adult_mlp", "large_mlp", "tabm"),
    *("trials_01", "trials_04", "trials_16", "trials_32", "embeddings"),
)
GOALS = {  # A figure of a case, and what it shall reach.
    ("large_mlp", "share_of_roofline"): 0.5,
    ("adult_mlp", "billion_rows_per_hour"): 1.0,
}


def ask(name: str, **environment: str) -> dict[str, Any]:
    """Return the answer of a child, or its last words if it failed."""
    child = subprocess.run(
        [sys.executable, "-m", "benchmarks.gpu", "--child", name],
        cwd=ROOT, env=os.environ | environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if child.returncode:
        return {"failed": (child.stderr.strip().splitlines() or ["no words"])[-1]}
    return dict(json.loads(child.stdout.splitlines()[-1]))


def smoke() -> int:
    """Run every case with tiny shapes."""
    print("smoke on CPU: tiny shapes, to see that the script works; no figures")
    found = ask("smoke", JAX_PLATFORMS="cpu")
    print(found.get("failed") or f"all work: {', '.join(found['cases'])}")
    return 1 if "failed" in found else 0


def main() -> int:
    """Run every case on the GPU, print and keep the figures."""
    seen = ask("look")
    if seen.get("backend") not in ("gpu", "cuda", "rocm"):
        because = seen.get("failed") or f"JAX {seen['jax']} sees no GPU here, only {seen['device']}"
        print(f"not run: {because}")
        if not RESULTS.exists():
            _keep({"status": "not run", "because": because})
        return 1 if "failed" in seen else 0
    print(f"{seen['device']}, JAX {seen['jax']}")
    cases = {}
    for name in NAMES:
        cases[name] = ask(name)
        print(f"{name:12s} {json.dumps(cases[name])}", flush=True)
    goals = {
        f"{case} {figure}": _goal(cases[case], figure, goal)
        for (case, figure), goal in GOALS.items()
    }
    print(json.dumps(goals, indent=1))
    _keep({"status": "run", **seen, "cases": cases, "goals": goals})
    return 1 if any("failed" in case for case in cases.values()) else 0


def _goal(case: dict[str, Any], figure: str, goal: float) -> dict[str, Any]:
    reached = case.get(figure)
    return {"goal": goal, "reached": reached, "met": reached is not None and reached >= goal}


def _keep(result: dict[str, Any]) -> None:
    said = {"command": "python -m benchmarks.gpu"} | result
    RESULTS.write_text(json.dumps(said, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cpu-smoke", action="store_true")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.child:
        from benchmarks.gpu.child import answer

        answer(asked.child)
    else:
        sys.exit(smoke() if asked.cpu_smoke else main())
