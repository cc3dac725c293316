"""How long `explain` and `diff` take in a lake of 10,000 registered models that was never compacted.

`.venv/bin/python benchmarks/explain_speed.py [MODELS [FOLDER]]`: about 15 minutes and 2 GB; a FOLDER is kept and used
again. Ten tables of 10,000 real commits each, 20,000 deployment events, artifacts of every model. Whole processes, the
page cache warm; limits are 1 s and 2 s. Results go to `benchmarks/results/explain_speed.json`.
"""

import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # The lake is made up by what the tests have.
RESULTS = ROOT / "benchmarks" / "results" / "explain_speed.json"
MODELS, REPETITIONS = 10_000, 5
YARDSTICK = ("--help",)  # What the command line itself takes, on this machine and at this time.
LIMITS = {"explain": 1.0, "diff": 2.0}  # Seconds.


def main(models: int, kept: Path | None) -> None:
    """Make the lake in a folder that is thrown away or `kept`, unless it has one; time the commands."""
    with tempfile.TemporaryDirectory(prefix="explain-speed-") as folder:
        home = kept or Path(folder)
        if not (home / "middle").is_file():
            _make(home, models)
        made = json.loads((home / "middle").read_text())
        result: dict[str, Any] = {
            "models": made["models"],
            "seconds_to_make": made["seconds"],
            "machine": {"cpus": os.cpu_count(), "python": platform.python_version()},
            "load_before": round(os.getloadavg()[0], 2),
            "limits_seconds": LIMITS,
            "yardstick": {" ".join(YARDSTICK): _measured(home, list(YARDSTICK))},
            "never_compacted": timed(home, made),
        }
        RESULTS.write_text(json.dumps(result, indent=1) + "\n")
        _compact(home)
        result["compacted"] = timed(home, made)
        RESULTS.write_text(json.dumps(result, indent=1) + "\n")


def _make(home: Path, models: int) -> None:
    from benchmarks.explain_speed_lake import make

    began = time.perf_counter()
    digest = make(home / "lake", models)
    seconds = round(time.perf_counter() - began)
    print(f"{models:,} models in {seconds} s", flush=True)
    said = {"models": models, "digest": digest, "seconds": seconds}
    (home / "middle").write_text(json.dumps(said))


def commands(models: int, digest: str) -> list[list[str]]:
    """Return what is asked: what is live, an old and a middle one, one by its digest, and differences."""
    return [
        ["explain", "census"],
        ["explain", f"census@{models // 2}"],
        ["explain", "census@3"],
        ["explain", digest[:12]],
        ["explain", "census", "--json"],
        ["explain", "census", "--html", os.devnull],
        ["diff", "census@previous", "census"],
        ["diff", "census@3", f"census@{models}"],
    ]


def timed(home: Path, made: Mapping[str, Any]) -> dict[str, Any]:
    """Return what each command took."""
    asked = commands(made["models"], made["digest"])
    return {" ".join(command): _timed(home, command) for command in asked}


def _timed(home: Path, command: list[str]) -> Mapping[str, object]:
    """Return what a command took, and whether that is within its limit."""
    told = _measured(home, command)
    return {**told, "within_limit": told["median_seconds"] <= LIMITS[command[0]]}


def _measured(home: Path, command: list[str]) -> dict[str, float]:
    """Return the seconds of each whole process, after one that warms the page cache; those of processors beside them.

    Where others use the machine too, wall time is theirs as much as ours, and processor time less so.
    """
    seconds = [_seconds(home, command) for _ in range(REPETITIONS + 1)][1:]
    wall, cpu = (sorted(each[at] for each in seconds) for at in (0, 1))
    told = {
        "median_seconds": round(statistics.median(wall), 3),
        "fastest_seconds": round(wall[0], 3),
        "slowest_seconds": round(wall[-1], 3),
        "median_cpu_seconds": round(statistics.median(cpu), 3),
    }
    print(" ".join(command), told, flush=True)
    return told


def _seconds(home: Path, command: list[str]) -> tuple[float, float]:
    """Return wall and processor seconds of one process."""
    program = Path(sys.executable).parent / "mlplatform"
    before, began = os.times(), time.perf_counter()
    done = subprocess.run(
        [program, *command],
        cwd=ROOT,
        env={**os.environ, "MLPLATFORM_HOME": str(home)},
        capture_output=True,
        text=True,
        check=False,
    )
    wall, after = time.perf_counter() - began, os.times()
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}: {done.stderr}")
    used = (after.children_user, after.children_system)
    return wall, sum(used) - before.children_user - before.children_system


def _compact(home: Path) -> None:
    """Compact the tables that grow by a file with each model."""
    from mlplatform.lake import Lake
    from mlplatform.lake.compaction import optimize

    for noun in ("source", "gate_verdict", "registered_model", "deployment"):
        optimize(Lake(home / "lake").table(f"census/{noun}"), "benchmark")


if __name__ == "__main__":
    asked = sys.argv[1:]
    main(int(asked[0]) if asked else MODELS, Path(asked[1]) if len(asked) > 1 else None)
