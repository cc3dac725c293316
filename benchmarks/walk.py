"""How long the census pipeline takes, and what Dagster adds to it.

`make bench`, or `.venv/bin/python benchmarks/walk.py [REPETITIONS]`: about five minutes for three. Whole processes,
one after the other in turn (library, Dagster, library, …), each on a state folder of its own. Cold has an empty
compilation cache; warm has the cache of the cold run.
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
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BIN = Path(sys.executable).parent
RESULTS = ROOT / "benchmarks" / "results" / "walk.json"
WALK = ["dagster", "asset", "materialize", "--select", 'key:"census_income/*"', "-m", "definitions"]


def seconds(command: Sequence[str | Path], home: Path) -> float:
    """Return how long a command took with its state in `home`."""
    dagster_home = home / "dagster"
    dagster_home.mkdir(parents=True, exist_ok=True)
    environ = {
        "MLPLATFORM_HOME": str(home),
        "DAGSTER_HOME": str(dagster_home),
        "DAGSTER_DISABLE_TELEMETRY": "yes",
    }
    began = time.perf_counter()
    done = subprocess.run(
        [str(c) for c in command],
        cwd=ROOT,
        env={**os.environ, **environ},
        capture_output=True,
        text=True,
        check=False,
    )
    taken = time.perf_counter() - began
    if done.returncode:
        raise SystemExit(f"{command} failed:\n{done.stderr[-2000:]}")
    return round(taken, 2)


def main(repetitions: int) -> None:
    """Measure, print and keep the result."""
    library = [sys.executable, ROOT / "benchmarks" / "library_walk.py"]
    dagster = [BIN / WALK[0], *WALK[1:]]
    found: dict[str, list[float]] = {
        name: [] for name in ("cold", "warm", "warm_library", "nothing_new", "import", "load")
    }
    with tempfile.TemporaryDirectory() as folder:
        homes = Path(folder)
        found["cold"].append(seconds(dagster, homes / "cold"))
        for n in range(repetitions):
            for name, command in (("warm_library", library), ("warm", dagster)):
                home = homes / f"{name}{n}"
                shutil.copytree(homes / "cold" / "cache", home / "cache")
                found[name].append(
                    seconds([*command, home] if name == "warm_library" else command, home)
                )
            found["nothing_new"].append(seconds(dagster, homes / "warm0"))
            found["import"].append(
                seconds([sys.executable, "-c", "import mlplatform"], homes / "warm0")
            )
            found["load"].append(
                seconds([sys.executable, "-c", "import definitions"], homes / "warm0")
            )
    median = {name: statistics.median(values) for name, values in found.items()}
    result = {
        "machine": f"{os.cpu_count()} CPUs, Python {platform.python_version()}, load {os.getloadavg()[0]:.1f}",
        "seconds": found,
        "median_seconds": median,
        "warm_dagster_to_library": round(median["warm"] / median["warm_library"], 2),
        "dagster_adds_seconds": round(median["warm"] - median["warm_library"], 2),
    }
    RESULTS.write_text(json.dumps(result, indent=2) + "\n")
    sys.stdout.write(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 3)
