"""How fast data is checked: one pass of ours against what people use today, on the same Parquet file.

`.venv/bin/python benchmarks/data_checks.py [ROWS] [REPETITIONS]`: three to five minutes for 3,000,000 rows, seven
times. Every tool is a process of its own, warm, and all take turns. The peers' environment, .venv-peers, is made
from requirements/peers.lock by the first call.
"""

import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.data_checks_tools import CITIES, CODES, NUMBERS, TOOLS  # noqa: E402 - after the path
from mlplatform.lake import Lake, Lineage  # noqa: E402 - after the path

RESULTS = ROOT / "benchmarks" / "results" / "data_checks.json"
PEERS = ROOT / ".venv-peers" / "bin" / "python"
OURS = next(iter(TOOLS))
CHUNK = 262_144
QUIET = 1.0  # Load above which the result says that the machine was busy.


def rows(count: int) -> Iterator[pa.RecordBatch]:
    """Yield clean rows: eight numbers of different centres, two strings, the same ones every time."""
    for first in range(0, count, CHUNK):
        rng, n = np.random.default_rng([7, first]), min(CHUNK, count - first)
        table = {name: rng.normal(40 * k, 10, n) for k, name in enumerate(NUMBERS)}
        texts = {"city": (CITIES, rng.integers(0, 5, n)), "code": (CODES, rng.integers(0, 300, n))}
        for name, (values, places) in texts.items():
            table[name] = pa.array(values).take(pa.array(places))
        yield pa.record_batch(table)


def stored(lake: Lake, name: str, batches: list[pa.RecordBatch]) -> Path:
    """Return the file of a new table of the lake."""
    who = Lineage(asset="benchmark", run_id="benchmark", code_version="benchmark")
    reader = pa.RecordBatchReader.from_batches(batches[0].schema, batches)
    table = lake.table(name)
    table.overwrite(reader, who)
    return Path(table.files()[0].removeprefix("file://"))


def broken(kind: str) -> list[pa.RecordBatch]:
    """Return few rows with one defect, which every tool must find."""
    batch = next(rows(1_000)).to_pydict()
    batch[{"missing": "f3", "range": "f5", "domain": "code"}[kind]][500] = {
        "missing": None,
        "range": 1e6,
        "domain": "c300",
    }[kind]
    return [pa.record_batch(batch)]


class Tool:
    """A tool in its own process."""

    def __init__(self, name: str) -> None:
        python = sys.executable if name.startswith("mlplatform") else str(PEERS)
        script = str(ROOT / "benchmarks" / "data_checks_tools.py")
        self._process = subprocess.Popen(
            [python, script, name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env={**os.environ, "GX_ANALYTICS_ENABLED": "false", "PYTHONPATH": str(ROOT)},
        )

    def check(self, file: Path) -> dict[str, Any]:
        """Return what it says of a file, and how long it took."""
        assert self._process.stdin is not None  # noqa: S101 - a pipe was asked for
        assert self._process.stdout is not None  # noqa: S101 - a pipe was asked for
        self._process.stdin.write(f"{file}\n")
        self._process.stdin.flush()
        for line in self._process.stdout:
            if line.startswith("answer "):
                return dict(json.loads(line.removeprefix("answer ")))
        raise SystemExit(f"{self._process.args} ended without an answer")

    def end(self) -> None:
        """Let the process end."""
        assert self._process.stdin is not None  # noqa: S101 - a pipe was asked for
        self._process.stdin.close()
        self._process.wait()


def peers() -> None:
    """Make the peers' environment where it is missing."""
    uv, python = ROOT / ".venv-uv" / "bin" / "uv", sys.executable
    if not PEERS.exists():
        subprocess.run([uv, "venv", "-q", "--python", python, PEERS.parents[1]], check=True)
    lock = ROOT / "requirements" / "peers.lock"
    sync = [uv, "pip", "sync", "-q", "--require-hashes", "--python", PEERS, lock]
    subprocess.run(sync, check=True)


def measured(file: Path, defects: dict[str, Path], repetitions: int) -> dict[str, Any]:
    """Return figures by tool: all take turns, after one turn that does not count."""
    tools = {name: Tool(name) for name in TOOLS}
    answers: dict[str, list[dict[str, Any]]] = {name: [] for name in tools}
    found = {}
    for name, tool in tools.items():
        found[name] = [kind for kind, bad in defects.items() if not tool.check(bad)["passed"]]
        tool.check(file)
    for _ in range(repetitions):
        for name, tool in tools.items():
            answers[name].append(tool.check(file))
    for tool in tools.values():
        tool.end()
    if wrong := [name for name, said in answers.items() if not all(one["passed"] for one in said)]:
        raise SystemExit(f"clean rows did not pass: {wrong}")
    return {name: _figures(said) | {"finds": found[name]} for name, said in answers.items()}


def _figures(said: list[dict[str, Any]]) -> dict[str, Any]:
    keys = [key for key in said[0] if key.endswith("seconds")]
    median = {key: statistics.median(one[key] for one in said) for key in keys}
    figures: dict[str, Any] = {f"median_{key}": round(value, 4) for key, value in median.items()}
    figures["best_seconds"] = round(min(one["seconds"] for one in said), 4)
    figures["seconds"] = [round(one["seconds"], 4) for one in said]
    return figures | {"peak_mb": max(one["peak_mb"] for one in said)}


def main(count: int, repetitions: int) -> None:
    """Measure, print and keep the result."""
    peers()
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as folder:
        lake = Lake(folder)
        file = stored(lake, "clean", list(rows(count)))
        defects = {
            kind: stored(lake, kind, broken(kind)) for kind in ("missing", "range", "domain")
        }
        tools = measured(file, defects, repetitions)
    base = tools[OURS]["median_seconds"]
    for name, figures in tools.items():
        rate = round(count / 1e6 / figures["median_seconds"], 1)
        best = round(count / 1e6 / figures["best_seconds"], 1)
        times = round(figures["median_seconds"] / base, 2)
        figures |= {"million_rows_per_second": rate, "best_million_rows_per_second": best}
        figures["ours_is_times_as_fast"] = times
        found = ", ".join(figures["finds"])
        print(
            f"{name:42s} {rate:5.1f} M rows/s, best {best:5.1f} {times:6.2f} x {figures['peak_mb']:5d} MB {found}"
        )
    result = {
        "command": f"benchmarks/data_checks.py {count} {repetitions}",
        "machine": f"{os.cpu_count()} CPUs, Python {platform.python_version()}",
        "load_before_and_after": [round(load, 2), round(os.getloadavg()[0], 2)],
        "busy": load > QUIET,
        "rows": count,
        "columns": "8 float64, 2 string; Parquet of the lake",
        "tools": tools,
    }
    RESULTS.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    numbers = [int(text.replace("_", "")) for text in sys.argv[1:]]
    main(*(numbers + [3_000_000, 7][len(numbers) :]))
