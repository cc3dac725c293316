"""How often the gate errs: pairs of models whose true difference is known, judged by the code that releases.

`nice .venv/bin/python benchmarks/gate_simulation.py [PAIRS]`: two hours on one core for 10,000 pairs a cell. Every
cell is written as it is done and kept by the next run, so it may be stopped; the table in
`docs/gate-statistics.md` is made anew each time. Rows are drawn with replacement from the answers of real models about
32,561 people, row by row with probabilities that make the true difference exactly the one named.
"""

import json
import math
import platform
import sys
import time
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.gate_simulation_models import Answers, real_answers, tilted  # noqa: E402 - the path
from benchmarks.gate_simulation_table import write_table  # noqa: E402 - after the path
from mlplatform.gates.non_inferiority import non_inferiority  # noqa: E402 - after the path
from mlplatform.statistics.compare import compare  # noqa: E402 - after the path
from mlplatform.statistics.ranking import placements  # noqa: E402 - after the path
from mlplatform.verdict import Outcome  # noqa: E402 - after the path

RESULTS = ROOT / "benchmarks" / "results" / "gate_simulation.json"
PAIRS = 10_000
MARGIN = 0.01
TEXTBOOK = 0.005  # Accuracy at least the baseline's less half a point.
TRUTHS = {
    "worse by twice the margin": -2 * MARGIN,
    "worse by the margin": -MARGIN,
    "worse by half the margin": -MARGIN / 2,
    "equal": 0.0,
    "better by the margin": MARGIN,
}
ROWS = (500, 1_000, 2_000, 5_000, 10_000, 50_000)
METRICS = ("accuracy", "f1", "auc")
THRESHOLD = 0.5

Floats = NDArray[np.float64]


def main(pairs: int) -> None:
    """Fill in the cells that are missing."""
    answers = real_answers()
    cells = json.loads(RESULTS.read_text())["cells"] if RESULTS.exists() else []
    done = {(cell["models"], cell["metric"], cell["truth"], cell["rows"]) for cell in cells}
    for models in answers.candidates:
        for rows in ROWS:
            for metric in METRICS:
                for truth in TRUTHS:
                    if (models, metric, truth, rows) not in done:
                        cells.append(cell(answers, models, metric, truth, rows, pairs))
                        _write(cells)
                        write_table(cells)


def cell(
    answers: Answers, models: str, metric: str, truth: str, rows: int, pairs: int
) -> dict[str, Any]:
    """Return the shares of each outcome over `pairs` draws of `rows` rows."""
    began, candidate = time.perf_counter(), answers.candidates[models]
    weights, true = population(answers, candidate, metric, TRUTHS[truth])
    dice = np.random.default_rng(zlib.crc32(f"{models} {metric} {truth} {rows}".encode()))
    draw = drawn(weights, rows, dice)
    outcomes, power = dict.fromkeys(Outcome, 0), 0.0
    textbook = point = 0
    for _ in range(pairs):
        at = draw()
        seen = compare(metric, answers.labels[at], candidate[at], answers.champion[at], MARGIN)
        outcomes[non_inferiority(seen)] += 1
        power += seen.power_if_equal or 0.0
        textbook += seen.better >= -TEXTBOOK
        point += seen.better >= -MARGIN
    return {
        "models": models,
        "metric": metric,
        "truth": truth,
        "true_difference": true,
        "rows": rows,
        "pairs": pairs,
        **{outcome.value: count / pairs for outcome, count in outcomes.items()},
        "stated_power": power / pairs,
        "point_rule_half_a_point": textbook / pairs,
        "point_rule_at_the_margin": point / pairs,
        "seconds": round(time.perf_counter() - began, 1),
    }


def population(
    answers: Answers, candidate: NDArray[np.float32], metric: str, target: float
) -> tuple[Floats, float]:
    """Return how often each row is drawn, and the true difference of the metric among such rows."""
    truth = answers.labels.astype(bool)
    scores = [score.astype(np.float64) for score in (candidate, answers.champion)]
    of = {"accuracy": _accuracy, "f1": _f1, "auc": _auc}[metric]
    (mine, apart), (theirs, other) = (of(truth, score) for score in scores)

    def difference(weights: Floats) -> float:
        return mine(weights) - theirs(weights)

    weights = tilted(target, apart - other, difference)
    return weights, difference(weights)


Measured = tuple[
    Callable[[Floats], float], Floats
]  # Of weighted rows, and what each row speaks for.


def _accuracy(truth: NDArray[np.bool_], score: Floats) -> Measured:
    right = ((score >= THRESHOLD) == truth).astype(np.float64)
    return lambda weights: float(weights @ right), right


def _f1(truth: NDArray[np.bool_], score: Floats) -> Measured:
    said = score >= THRESHOLD
    hits, either = 2.0 * (truth & said), truth.astype(np.float64) + said
    plain = float(hits.sum() / either.sum())
    return lambda weights: float(weights @ hits / (weights @ either)), hits - plain * either


def _auc(truth: NDArray[np.bool_], score: Floats) -> Measured:
    order = np.argsort(score)
    ranked, positive = score[order], truth[order]
    starts = np.flatnonzero(np.append(True, ranked[1:] != ranked[:-1]))

    def area(weights: Floats) -> float:
        mine, theirs = (
            np.add.reduceat(np.where(kept, weights[order], 0.0), starts)
            for kept in (positive, ~positive)
        )
        below = np.cumsum(theirs) - theirs / 2
        return float(mine @ below / (mine.sum() * theirs.sum()))

    return area, placements(truth, score)


def drawn(weights: Floats, rows: int, dice: np.random.Generator) -> Callable[[], NDArray[np.int64]]:
    """Return what draws rows by Walker's alias method (1977): two numbers a row, no search."""
    size = len(weights)
    share, alias = weights * size, np.arange(size)
    small, large = (list(np.flatnonzero(which)) for which in (share < 1, share >= 1))
    share = share.copy()
    while small and large:
        low, high = small.pop(), large[-1]
        alias[low] = high
        share[high] -= 1 - share[low]
        if share[high] < 1:
            small.append(large.pop())
    share[small + large] = 1.0

    def draw() -> NDArray[np.int64]:
        at = dice.integers(0, size, rows)
        return np.where(dice.random(rows) < share[at], at, alias[at])

    return draw


def _write(cells: list[dict[str, Any]]) -> None:
    note = {
        "margin": MARGIN,
        "monte_carlo_error": 2 * math.sqrt(0.05 * 0.95 / PAIRS),
        "machine": platform.processor() or platform.machine(),
        "numpy": np.__version__,
        "cells": cells,
    }
    RESULTS.write_text(json.dumps(note, indent=1) + "\n")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else PAIRS)
