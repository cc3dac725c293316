"""How fast trees predict: our program against LightGBM's own prediction on the same booster and rows.

`.venv/bin/python benchmarks/trees.py [REPETITIONS]`: about three minutes for 15. Generated rows, 30,000 to
train on; everything is warm, in one process, and all take turns. LightGBM predicts with one thread and
with one a core, the faster counts; both take arrays and give probabilities. Ratios are of medians.
"""

import json
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import jax  # noqa: E402 - after the path

from mlplatform.features.program_export import (  # noqa: E402 - after the path
    answer_at_once,
    deserialized,
    serialized,
)
from mlplatform.features.signature import Tensor  # noqa: E402 - after the path
from mlplatform.spec.families import Gbdt  # noqa: E402 - after the path
from mlplatform.train.baseline import baseline  # noqa: E402 - after the path
from mlplatform.train.data import Data  # noqa: E402 - after the path
from mlplatform.train.gbdt import fit_gbdt  # noqa: E402 - after the path
from mlplatform.train.gbdt.booster import Boosters  # noqa: E402 - after the path
from mlplatform.train.task import Rows, Shape, Task  # noqa: E402 - after the path

RESULTS = ROOT / "benchmarks" / "results" / "trees.json"
ROWS = 30_000
ID_SIZE = 16
BATCHES = {1: 50, 256: 5, 16_384: 1}  # Rows, and calls a turn: what ran before chills the caches.
QUIET = 1.0  # Load above which the result says that the machine was busy.
CASES = {  # Numbers and ids a row, trees, leaves.
    "6 numbers, 8 ids, 300 trees of 31 leaves": (6, 8, 300, 31),
    "28 numbers, 300 trees of 31 leaves": (28, 0, 300, 31),
    "28 numbers, 300 trees of 255 leaves": (28, 0, 300, 255),
}


def generated(vectors: int, ids: int) -> Data:
    """Return rows of two classes that depend on numbers, products of them, and ids."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(ROWS, vectors)).astype(np.float32)
    known = rng.integers(0, ID_SIZE, (ROWS, ids)).astype(np.int32)
    effects = rng.normal(size=(ids, ID_SIZE))
    score = np.sin(2 * x[:, 0]) + x[:, 1] * x[:, 2] + effects[np.arange(ids), known].sum(axis=1) / 2
    labels = (rng.random(ROWS) < 1 / (1 + np.exp(-score))).astype(np.float32)
    rows = Rows(x, known, labels, np.ones(ROWS, np.float32))
    return Data(Shape(vectors, (ID_SIZE,) * ids, Task("binary")), rows, rows)


def case(vectors: int, ids: int, trees: int, leaves: int, repetitions: int) -> dict[str, Any]:
    """Return milliseconds of either, by rows at once, and how far apart their answers are."""
    data = generated(vectors, ids)
    how = Gbdt(trees=trees, leaves=leaves, early_stopping=None)
    fitted = fit_gbdt(data, how)
    params = {name: Tensor(name, str(a.dtype), a.shape) for name, a in fitted.params.items()}
    takes = (Tensor("x", "float32", ("rows", vectors)), Tensor("ids", "int32", ("rows", ids)))
    program = deserialized(serialized(fitted.predict, params, *takes), "program.stablehlo")
    params_there = jax.device_put(dict(fitted.params))
    run = partial(jax.jit(program.call), params_there)
    booster = same_booster(data, how)
    return {f"{rows} rows": batch(run, booster, data, rows, repetitions) for rows in BATCHES}


def batch(
    run: Callable[..., jax.Array], booster: Any, data: Data, rows: int, repetitions: int
) -> dict[str, Any]:
    """Return the figures of one batch size."""
    x, known = data.train.vectors[:rows], data.train.ids[:rows]
    both = np.concatenate([x, known], axis=1, dtype=np.float32)
    tasks: dict[str, Callable[[], np.ndarray]] = {
        "ours": lambda: np.asarray(run(x, known)),
        "lightgbm, 1 thread": lambda: booster.predict(both, num_threads=1),
        "lightgbm, all cores": lambda: booster.predict(both, num_threads=os.cpu_count()),
    }
    apart = float(np.abs(tasks["ours"]() - tasks["lightgbm, 1 thread"]()).max())
    taken = in_turn(tasks, repetitions, calls=BATCHES[rows])
    return {**figures(taken), "largest_difference": apart}


def same_booster(data: Data, how: Gbdt) -> Any:
    """Return the booster that `fit_gbdt` turned into arrays, grown once more."""
    boosters = Boosters(data, how)
    for _ in range(how.trees):
        boosters.grow()
    return boosters._boosters[0]  # noqa: SLF001 - it keeps them to itself, and need not for this


def in_turn(
    tasks: dict[str, Callable[[], Any]], repetitions: int, calls: int
) -> dict[str, list[float]]:
    """Return the milliseconds of a call of each task, all in turn, after two turns that do not count."""
    taken: dict[str, list[float]] = {name: [] for name in tasks}
    for turn in range(repetitions + 2):
        for name, task in tasks.items():
            started = time.perf_counter()
            for _ in range(calls):
                task()
            if turn > 1:
                taken[name].append((time.perf_counter() - started) * 1e3 / calls)
    return taken


def figures(taken: dict[str, list[float]]) -> dict[str, Any]:
    """Return medians, minima, and how many times as fast as the faster LightGBM we are."""
    median = {name: statistics.median(each) for name, each in taken.items()}
    least = {name: min(each) for name, each in taken.items()}

    def ratio(of: dict[str, float]) -> float:
        theirs = min(value for name, value in of.items() if name != "ours")
        return round(theirs / of["ours"], 2)

    return {
        "median_milliseconds": {name: round(value, 3) for name, value in median.items()},
        "least_milliseconds": {name: round(value, 3) for name, value in least.items()},
        "times_as_fast_by_median": ratio(median),
        "times_as_fast_by_least": ratio(least),
    }


def main(repetitions: int) -> None:
    """Measure, print and keep the result."""
    answer_at_once()
    load = os.getloadavg()[0]
    cases = {name: case(*sizes, repetitions) for name, sizes in CASES.items()}
    started = time.perf_counter()
    baseline(generated(6, 8))
    result = {
        "command": f"benchmarks/trees.py {repetitions}",
        "machine": f"{os.cpu_count()} CPUs, Python {platform.python_version()}",
        "versions": {name: metadata.version(name) for name in ("jax", "lightgbm", "numpy")},
        "load_before_and_after": [round(load, 2), round(os.getloadavg()[0], 2)],
        "busy": load > QUIET,
        "cases": cases,
        "baseline_seconds_of_30000_rows": round(time.perf_counter() - started, 2),
    }
    RESULTS.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 15)
