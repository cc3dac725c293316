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
AS_COMPILING_EACH, AS_TORCH = 3.0, 3.5  # Times as fast, of all trials without pruning.
HALVED = "successive_halving"
HALVING, SAME_AUC = 8.0, 0.001  # Times as fast as PyTorch's whole trials, with as good a best one.
SAMPLED = 3  # Trials a turn of the two contestants that take one by one: all would take minutes.


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
    steps = len(bench.rows["x"]) // HOW["batch_size"] * HOW["epochs"]
    for name, train in tasks.items():  # To be warm. Ours compiles a program for these epochs.
        train(HOW if name == OURS else HOW | {"epochs": 1})
    for turn in range(bench.repetitions):
        for name, train in tasks.items():
            said[name].append(train(HOW | {"seed": turn}))
        floors.append(floor([WIDTH, *HOW["hidden"], 1], HOW["batch_size"], steps))
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
        middle = sorted((each[name] for each in floors), key=lambda one: one["seconds"])
        least = statistics.median(one["seconds"] for one in middle)
        said[name] = {
            "seconds": round(least, 3),
            "share": round(least / seconds, 3),
            "microseconds": middle[len(middle) // 2]["microseconds"],
        }
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
    """A study of rates and decays by one program, whole and pruned; the same trials compiled each, and by PyTorch.

    All take turns. The last two take some trials a turn, and their seconds are those of all trials at that rate.
    """
    peers.made()
    loop = peers.Peer("torch loop", bench.file)
    loop.train(HOW | {"epochs": 1})
    turns = [_studied(bench, loop, turn) for turn in range(bench.repetitions)]
    loop.end()
    seconds = {name: [turn[0][name] for turn in turns] for name in turns[0][0]}
    median = {name: statistics.median(took) for name, took in seconds.items()}
    best = turns[-1][1]
    same = all(abs(found["none"] - found[HALVED]) <= SAME_AUC for _, found in turns)
    halving = _goal(median["torch loop"] / median[HALVED], HALVING)
    return {
        "trials": bench.trials,
        "median_seconds": {name: round(took, 2) for name, took in median.items()},
        "extrapolated": f"compiling each, torch loop: from {SAMPLED} trials a turn to {bench.trials}",
        "best_validation_auc": best,
        "times_as_fast": {
            "compiling each": _goal(median["compiling each"] / median["none"], AS_COMPILING_EACH),
            "torch loop": _goal(median["torch loop"] / median["none"], AS_TORCH),
            "torch loop, with successive halving": halving
            | {"same_best_auc": same, "met": halving["met"] and same},
        },
        "seconds": {name: [round(s, 2) for s in took] for name, took in seconds.items()},
    }


def _studied(
    bench: Bench, loop: peers.Peer, turn: int
) -> tuple[dict[str, float], dict[str, float]]:
    """Return the seconds of all trials by each contestant, and the best AUC of each study."""
    seconds, best, trials = {}, {}, []
    for pruner in ("none", HALVED):
        bench.ours.study(HOW, 1, pruner)  # Warm again: what is compiled each empties all caches.
        seconds[pruner], study = bench.ours.study(HOW, bench.trials, pruner)
        best[pruner] = _best_auc(study)
        trials = trials or study.trials.to_pylist()
    apart = max(len(trials) // SAMPLED, 1)
    some = trials[turn % apart :: apart][:SAMPLED]
    share = len(some) / len(trials)
    each = {name: took / share for name, took in _trial_by_trial(bench, loop, some).items()}
    return seconds | each, best


def _best_auc(study: Any) -> float:
    aucs = [row["validation_auc"] for row in study.trials.to_pylist() if row["state"] == "complete"]
    return round(max(aucs), 5)


def _trial_by_trial(
    bench: Bench, loop: peers.Peer, trials: list[dict[str, Any]]
) -> dict[str, float]:
    """Return the seconds that trials take compiled each, and by PyTorch, in turn."""
    import jax

    total = {"compiling each": 0.0, "torch loop": 0.0}
    for row in trials:
        how = HOW | {name: row[name] for name in ("learning_rate", "weight_decay")}
        jax.clear_caches()
        total["compiling each"] += bench.ours.train(how)["seconds"]
        total["torch loop"] += loop.train(how)["seconds"]
    return total


def _goal(reached: float, goal: float) -> dict[str, Any]:
    return {"goal": goal, "reached": round(reached, 2), "met": reached >= goal}


PARTS: dict[str, Callable[[Bench], dict[str, Any]]] = {
    "warm": warm,
    "cold": cold,
    "tuning": tuning,
}
