"""Is the census model made again bit by bit: as it was made, compacted, vacuumed, moved, and with MLflow lost?

`.venv/bin/python benchmarks/reproduce.py HOME [RUNS [STATE …]]`: HOME is the state that `mlplatform demo` left, of a
clean checkout; it is copied, and stays as it is. A run takes about 40 s of processor time; 20 runs are four in each
state. Every state is reached by the command that an operator would use, and stays for those after it. With names of
states it runs in those alone, RUNS in each, and keeps what was found of the others.
"""

import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from mlplatform.lake import Lake, Lineage
from mlplatform.provenance.hardware import hardware

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "benchmarks" / "results" / "reproduce.json"
MODEL = "census_income@1"
UNHELD = ("dataset", "split", "features")  # Tables that get versions that nothing needs.
FREED = 3  # Of those versions, in each table; the last is the newest, and stays.


def command(home: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run a command of `mlplatform` of this checkout with its state in `home`."""
    environ = {"MLPLATFORM_HOME": str(home), "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        [sys.executable, "-m", "mlplatform.cli.main", *words],
        cwd=ROOT, env={**os.environ, **environ}, capture_output=True, text=True, check=False,
    )  # fmt: skip


def required(home: Path, *words: str) -> str:
    """Return what a command said that has to do its work."""
    done = command(home, *words)
    if done.returncode:
        raise SystemExit(f"{words} failed: {done.stderr[-1000:]}")
    return done.stdout


def reproduced(home: Path) -> dict[str, Any]:
    """Make the model again by the command, and return its outcome and how long the whole process took."""
    began = time.perf_counter()
    done = command(home, "reproduce", MODEL, "--json")
    seconds = round(time.perf_counter() - began, 1)
    if not done.stdout.startswith("{"):
        return {"outcome": "REFUSED", "because": done.stderr.strip()[-300:], "seconds": seconds}
    said = json.loads(done.stdout)
    details = said["details"]
    return {
        "outcome": said["outcome"],
        "max_ulp": said["max_ulp"],
        "first_difference": said["first_difference"],
        "equal_files": sum(each == "equal" for each in details["files"].values()),
        "files": len(details["files"]),
        "training_seconds": details["training_seconds"],
        "seconds": seconds,
    }


def compact(home: Path) -> Mapping[str, Any]:
    """Compact every table of two files or more."""
    said = json.loads(required(home, "lake", "optimize", "--least-files", "2", "--json"))
    return {"tables_compacted": sum(each["compaction"] is not None for each in said)}


def vacuum(home: Path) -> Mapping[str, Any]:
    """Write versions that nothing needs, and remove what no lease holds, with no grace."""
    lake = Lake(home / "lake")
    for noun in UNHELD:
        table = lake.table(f"census_income/{noun}")
        rows = table.read()
        for at in range(FREED):
            who = Lineage(
                asset=table.name, run_id="benchmark", code_version="", recipe=f"{noun}{at}"
            )
            table.overwrite(rows.slice(at + 1), who)
    before = _bytes(home / "lake")
    required(home, "lake", "vacuum", "--yes", "--grace-days", "0")
    return {"bytes_before": before, "bytes_after": _bytes(home / "lake")}


def move(home: Path) -> Mapping[str, Any]:
    """Move the whole state to another path, and leave nothing at the old one."""
    there = home.with_name("elsewhere")
    home.rename(there)
    return {"home": there}


def lose_mlflow(home: Path) -> Mapping[str, Any]:
    """Delete MLflow's database and files, and bring them back from the lake."""
    shutil.rmtree(home / "mlflow")
    return {"rebuilt": required(home, "registry", "rebuild").strip().splitlines()[-1]}


STATES: dict[str, Callable[[Path], Mapping[str, Any]]] = {
    "as it was made": lambda _home: {},
    "compacted": compact,
    "vacuumed": vacuum,
    "moved": move,
    "MLflow lost and rebuilt": lose_mlflow,
}


def main(home: Path, runs: int, names: list[str]) -> None:
    """Measure, print and keep the result, after each state."""
    found = json.loads(RESULTS.read_text())["states"] if names else {}
    with tempfile.TemporaryDirectory() as folder:
        here = Path(folder) / "home"
        shutil.copytree(home, here)
        for at, (name, reach) in enumerate(STATES.items()):
            about = dict(reach(here))
            here = Path(about.pop("home", here))
            share = runs // len(STATES) + (at < runs % len(STATES))
            if names:
                share = runs if name in names else 0
            made = [reproduced(here) for _ in range(share)]
            if made:
                found[name] = {**about, "runs": made}
                keep(found)
            print(name, about, [(each["outcome"], each["seconds"]) for each in made], flush=True)


def keep(found: Mapping[str, Any]) -> None:
    """Write what was found so far."""
    every = [each for state in found.values() for each in state["runs"]]
    exact = sum(each["outcome"] == "BIT_EXACT" for each in every)
    summary = {
        "model": MODEL,
        "runs": len(every),
        "bit_exact": exact,
        "seconds_median": statistics.median(each["seconds"] for each in every),
        "training_seconds_median": statistics.median(
            each.get("training_seconds", 0.0) for each in every
        ),
        "hardware": hardware().of_class("cpu"),
        "python": platform.python_version(),
        "states": found,
    }
    RESULTS.write_text(json.dumps(summary, indent=1) + "\n")
    print(f"{exact} of {len(every)} runs bit-exact so far; kept in {RESULTS.relative_to(ROOT)}")


def _bytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 20, sys.argv[3:])
