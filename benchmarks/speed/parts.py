"""The parts of the benchmark of training speed, each against its goal."""

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.speed import peers
from benchmarks.speed.floor import floor
from benchmarks.speed.ours import Ours
from benchmarks.speed.rows import WIDTH, rows, stored
from benchmarks.training_peers import PEERS

HOW: dict[str, Any] = {
    "hidden": [128, 128],
    "learning_rate": 1e-3,
    "weight_decay": 1e-4,
    "epochs": 15,
    "batch_size": 512,
    "seed": 0,
}
OURS = "ours"
TIMES_AS_FAST = {"torch loop": 3.0, "torch DataLoader": 8.0, "scikit-learn": 10.0}
SHARE_OF_FLOOR = 0.75
COLD_SECONDS = 5.0
STREAMED = 0.8  # Of the rows a second in memory.
AS_COMPILING_EACH, AS_TORCH = 3.0, 3.5  # Times as fast, of all trials without pruning.
HALVING, SAME_AUC = 8.0, 0.001  # Times as fast as PyTorch's whole trials, with as good a best one.


class Bench:
    """What the parts share.

    Args:
        folder: For rows and caches.
        repetitions: Turns that count.
        trials: Of a study.
    """

    def __init__(self, folder: Path, repetitions: int, trials: int) -> None:
        self.folder, self.repetitions, self.trials = folder, repetitions, trials

    @cached_property
    def rows(self) -> dict[str, np.ndarray]:
        """Adult one-hot."""
        return rows()

    @cached_property
    def file(self) -> Path:
        """The same, for other processes."""
        return stored(self.folder)

    @cached_property
    def ours(self) -> Ours:
        """Our trainer."""
        return Ours(self.rows)


def warm(bench: Bench) -> dict[str, Any]:
    """One training, everything warm, all in turn, and the floor timed between the turns."""
    peers.made()
    running = {name: peers.Peer(name, bench.file) for name in PEERS}
    tasks = {OURS: bench.ours.train} | {name: peer.train for name, peer in running.items()}
    said: dict[str, list[dict[str, float]]] = {name: [] for name in tasks}
    floors = []
    for turn in range(bench.repetitions + 1):
        for name, train in tasks.items():
            answer = train({**HOW, "seed": turn})
            if turn:
                said[name].append(answer)
        count = len(bench.rows["x"])
        floors.append(floor([WIDTH, *HOW["hidden"], 1], count, HOW["epochs"], HOW["batch_size"]))
    for peer in running.values():
        peer.end()
    median = {name: statistics.median(a["seconds"] for a in s) for name, s in said.items()}
    return {
        "how": HOW,
        "peers": running["torch loop"].versions,
        "median_seconds": {name: round(seconds, 3) for name, seconds in median.items()},
        "test_auc": {n: round(statistics.fmean(a["auc"] for a in s), 4) for n, s in said.items()},
        "times_as_fast": {
            name: _goal(median[name] / median[OURS], goal) for name, goal in TIMES_AS_FAST.items()
        },
        "floor": _floor(floors, median[OURS]),
        "seconds": {n: [round(a["seconds"], 3) for a in s] for n, s in said.items()},
    }


def _floor(floors: list[dict[str, Any]], seconds: float) -> dict[str, Any]:
    """Return the median floor of each library, and which share of it we reach: XLA's decides."""
    said: dict[str, Any] = {"gflop": floors[0]["gflop"]}
    for name in ("xla", "numpy"):
        least = statistics.median(each[name]["seconds"] for each in floors)
        said[name] = {"seconds": round(least, 3), "share": round(least / seconds, 3)}
    return said | {"goal": _goal(said["xla"]["share"], SHARE_OF_FLOOR)}


def cold(bench: Bench) -> dict[str, Any]:
    """A whole process, with the compiled programs of an earlier one on disk."""
    script = Path(__file__).with_name("cold.py")
    command = [sys.executable, script, bench.file, bench.folder / "compiled", json.dumps(HOW)]
    seconds = []
    for _ in range(bench.repetitions + 1):
        started = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True)
        seconds.append(round(time.perf_counter() - started, 3))
    reached = statistics.median(seconds[1:])
    return {
        "median_seconds": reached,
        "without_cache_seconds": seconds[0],
        "goal": {"goal": COLD_SECONDS, "reached": reached, "met": reached <= COLD_SECONDS},
        "seconds": seconds[1:],
    }


def tuning(bench: Bench) -> dict[str, Any]:
    """A study of rates and decays by one program, whole and pruned; the same trials compiled each, and by PyTorch."""
    bench.ours.study(HOW, 1, "none")
    seconds: dict[str, list[float]] = {}
    found = {}
    for turn in range(2):
        for pruner in ("none", "successive_halving"):
            took, found[pruner] = bench.ours.study(HOW, bench.trials, pruner)
            seconds.setdefault(pruner, []).append(took)
        if not turn:  # Between the two turns of ours: the machine may be another after minutes.
            others = _trial_by_trial(bench, found["none"].trials.to_pylist())
    ours = {pruner: statistics.median(took) for pruner, took in seconds.items()}
    best = {pruner: _best_auc(study) for pruner, study in found.items()}
    whole, pruned = ours["none"], ours["successive_halving"]
    return {
        "trials": bench.trials,
        "seconds": {name: round(s, 2) for name, s in {**ours, **others}.items()},
        "best_validation_auc": best,
        "times_as_fast": {
            "compiling each": _goal(others["compiling each"] / whole, AS_COMPILING_EACH),
            "torch loop": _goal(others["torch loop"] / whole, AS_TORCH),
            "torch loop, with successive halving": _goal(others["torch loop"] / pruned, HALVING),
        },
        "same_best_auc": abs(best["none"] - best["successive_halving"]) <= SAME_AUC,
    }


def _best_auc(study: Any) -> float:
    aucs = [row["validation_auc"] for row in study.trials.to_pylist() if row["state"] == "complete"]
    return round(max(aucs), 5)


def _trial_by_trial(bench: Bench, trials: list[dict[str, Any]]) -> dict[str, float]:
    """Return the seconds that all trials take compiled each, and by PyTorch, in turn."""
    import jax

    peers.made()
    loop = peers.Peer("torch loop", bench.file)
    total = {"compiling each": 0.0, "torch loop": 0.0}
    for row in trials:
        how = HOW | {name: row[name] for name in ("learning_rate", "weight_decay")}
        jax.clear_caches()
        total["compiling each"] += bench.ours.train(how)["seconds"]
        total["torch loop"] += loop.train(how)["seconds"]
    loop.end()
    return total


def streaming(bench: Bench) -> dict[str, Any]:
    """A million rows from a Delta table, streamed and in memory, in turn."""
    from benchmarks.speed.streaming import Streaming

    trainer = Streaming(bench.folder)
    said: dict[str, list[dict[str, float]]] = {way: [] for way in trainer.model}
    for turn in range(bench.repetitions + 1):
        for way, answers in said.items():
            answer = trainer.train(way)
            if turn:
                answers.append(answer)
    median = {
        way: {key: statistics.median(a[key] for a in answers) for key in answers[0]}
        for way, answers in said.items()
    }
    share = median["stream"]["rows_per_second"] / median["memory"]["rows_per_second"]
    return {
        "median": {w: {k: round(v, 4) for k, v in m.items()} for w, m in median.items()},
        "streamed_of_in_memory": _goal(share, STREAMED),
    }


def _goal(reached: float, goal: float) -> dict[str, Any]:
    return {"goal": goal, "reached": round(reached, 2), "met": reached >= goal}


PARTS: dict[str, Callable[[Bench], dict[str, Any]]] = {
    "warm": warm,
    "cold": cold,
    "tuning": tuning,
    "streaming": streaming,
}
