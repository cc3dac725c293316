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

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # The lake is made up by what the tests have.
RESULTS = ROOT / "benchmarks" / "results" / "explain_speed.json"
MODELS, REPETITIONS = 10_000, 7
LIMITS = {"explain": 1.0, "diff": 2.0}  # Seconds.


def main(models: int, kept: Path | None) -> None:
    """Make the lake in a folder that is thrown away or `kept`, unless it has one; time the commands."""
    with tempfile.TemporaryDirectory(prefix="explain-speed-") as folder:
        home = kept or Path(folder)
        if not (home / "middle").is_file():
            _make(home, models)
        made = json.loads((home / "middle").read_text())
        result = {
            "models": made["models"],
            "seconds_to_make": made["seconds"],
            "machine": {"cpus": os.cpu_count(), "python": platform.python_version()},
            "load_before": round(os.getloadavg()[0], 2),
            "limits_seconds": LIMITS,
            "commands": {
                " ".join(c): timed(home, c) for c in commands(made["models"], made["digest"])
            },
        }
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


def timed(home: Path, command: list[str]) -> Mapping[str, object]:
    """Return the seconds of each whole process, after one that warms the page cache."""
    seconds = [_seconds(home, command) for _ in range(REPETITIONS + 1)][1:]
    limit = LIMITS[command[0]]
    told = {
        "median_seconds": round(statistics.median(seconds), 3),
        "slowest_seconds": round(max(seconds), 3),
        "within_limit": statistics.median(seconds) <= limit,
    }
    print(" ".join(command), told, flush=True)
    return told


def _seconds(home: Path, command: list[str]) -> float:
    program = Path(sys.executable).parent / "mlplatform"
    began = time.perf_counter()
    done = subprocess.run(
        [program, *command],
        cwd=ROOT,
        env={**os.environ, "MLPLATFORM_HOME": str(home)},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}: {done.stderr}")
    return time.perf_counter() - began


if __name__ == "__main__":
    asked = sys.argv[1:]
    main(int(asked[0]) if asked else MODELS, Path(asked[1]) if len(asked) > 1 else None)
