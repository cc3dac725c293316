"""Runs every defect and every clean batch of one data set, or of both side by side."""

import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from defects.catalogue import defects
from defects.judge import Court
from defects.plant import Defect
from defects.sets import adult, flights
from mlplatform.validate.client import TfdvWorker
from mlplatform.validate.interpreter import find

ROOT = Path(__file__).resolve().parents[2]
SETS = {"adult": adult, "flights": flights}
BATCH_ROWS = 2_000  # Of a batch with a defect.
CLEAN_SIZES = (500, 1_000, 2_000, 5_000)
DEALS = 4  # Times that rows are dealt anew into reference and pool.
CLEAN_BATCHES = 200  # A data set, over all deals and sizes.
SEED = 20_131_994


def whole(batches: int) -> dict[str, Any]:
    """Return what both data sets show, each in a process of its own."""
    began = time.perf_counter()
    running = {name: _process(name, batches) for name in SETS}
    found = {name: _answer(name, process) for name, process in running.items()}
    return {
        "machine": f"{os.cpu_count()} CPUs, Python {platform.python_version()}",
        "seconds": round(time.perf_counter() - began),
        "batch_rows": BATCH_ROWS,
        "clean_sizes": list(CLEAN_SIZES),
        "deals": DEALS,
        "seed": SEED,
        "sets": found,
    }


def one(name: str, batches: int) -> dict[str, Any]:
    """Return what one data set shows: a line a defect, a line a clean batch."""
    planted: list[dict[str, Any]] = []
    clean: list[dict[str, Any]] = []
    with TfdvWorker(find(None, ROOT)) as worker:
        for deal in range(DEALS):
            data = SETS[name](np.random.default_rng([SEED, deal]))
            with tempfile.TemporaryDirectory(prefix="defects-") as folder:
                court = Court(data, worker, Path(folder))
                if deal == 0:
                    planted = [_planted(court, defect) for defect in defects(data.roles)]
                clean += _clean(court, deal, batches // DEALS)
    return {"planted": planted, "clean": clean}


def _planted(court: Court, defect: Defect) -> dict[str, Any]:
    # One seed a kind, so that adding a kind changes no other.
    rng = np.random.default_rng([SEED, *defect.kind.encode()])
    found = court.planted(defect, BATCH_ROWS, rng)
    _progress(court, f"{defect.kind}: {', '.join(found.refused) or 'MISSED'}")
    return {
        "kind": defect.kind,
        "family": defect.family,
        "severity": defect.severity,
        "lands": defect.load,
        "expected": list(defect.expected),
        "refused_by": list(found.refused),
        "because": found.refused,
    }


def _clean(court: Court, deal: int, batches: int) -> Iterator[dict[str, Any]]:
    for n in range(batches):
        rows = CLEAN_SIZES[n % len(CLEAN_SIZES)]
        rng = np.random.default_rng([SEED, deal, n])
        found = court.batch(court.data.text(court.data.drawn(rows, rng)))
        if found.caught:
            _progress(court, f"clean batch of {rows}: {found.refused}")
        yield {
            "deal": deal,
            "rows": rows,
            "refused_by": list(found.refused),
            "because": found.refused,
        }


def _progress(court: Court, line: str) -> None:
    sys.stderr.write(f"{court.data.roles.name}: {line}\n")


def _process(name: str, batches: int) -> "subprocess.Popen[str]":
    script = str(ROOT / "benchmarks" / "defects.py")
    command = [sys.executable, script, "--only", name, "--clean", str(batches)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def _answer(name: str, process: "subprocess.Popen[str]") -> Any:
    answer, _ = process.communicate()
    if process.returncode:
        raise SystemExit(f"{name}: the run failed; see above")
    return json.loads(answer)
