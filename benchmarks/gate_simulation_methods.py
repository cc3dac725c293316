"""Which bounds hold their level on few rows: ours, those without allowances, and the percentile bootstrap.

`nice .venv/bin/python benchmarks/gate_simulation_methods.py`: minutes. How often a model that is worse by exactly
the margin passes; 5 % is promised. Written into `benchmarks/results/gate_methods.json`.
"""

import json
import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.gate_simulation import MARGIN, drawn, population  # noqa: E402 - after the path
from benchmarks.gate_simulation_models import Answers, real_answers  # noqa: E402 - the path
from benchmarks.gate_simulation_table import write_methods  # noqa: E402 - after the path
from mlplatform.statistics import bounds, paired_answers, paired_scores  # noqa: E402 - after the path

RESULTS = ROOT / "benchmarks" / "results" / "gate_methods.json"
PAIRS, RESAMPLES = 2_000, 500
ROWS = (100, 200, 500)
MODELS = "trained again"
Z = bounds.NORMAL.inv_cdf(0.95)
Columns = tuple[NDArray[np.bool_], NDArray[np.float64], NDArray[np.float64]]


def main() -> None:
    """Measure every cell anew."""
    answers = real_answers()
    cells = [
        {"models": MODELS, "metric": metric, "rows": rows, "pairs": PAIRS}
        | passed(answers, MODELS, metric, rows)
        for metric in ("f1", "auc")
        for rows in ROWS
    ]
    RESULTS.write_text(json.dumps({"margin": MARGIN, "cells": cells}, indent=1) + "\n")
    write_methods(cells)


def passed(answers: Answers, models: str, metric: str, rows: int) -> dict[str, float]:
    """Return the share of pairs that pass by each method, of those with two rows of each class."""
    candidate, dice = answers.candidates[models], np.random.default_rng(rows)
    draw = drawn(population(answers, candidate, metric, -MARGIN)[0], rows, dice)
    tried, counts = 0, dict.fromkeys(("ours", "without allowances", "percentile bootstrap"), 0)
    for _ in range(PAIRS):
        at = draw()
        columns = (answers.labels[at].astype(bool), candidate[at].astype(float))
        seen, resampled = _seen(metric, (*columns, answers.champion[at].astype(float)), dice)
        if seen is None:
            continue
        tried += 1
        lower = {
            "ours": bounds.bounds(seen, 0.95)[0],
            "without allowances": seen.observed - Z * seen.variance**0.5,
            "percentile bootstrap": float(np.nanquantile(resampled, 0.05)),
        }
        for name, bound in lower.items():
            counts[name] += bound >= -MARGIN
    found = {name: round(count / tried, 4) for name, count in counts.items()}
    print(models, metric, rows, found, flush=True)
    return found


def _seen(
    metric: str, columns: Columns, dice: np.random.Generator
) -> tuple[bounds.Spread | None, NDArray[np.float64]]:
    truth, mine, theirs = columns
    if metric == "auc":
        return paired_scores.auc(truth, mine, theirs)[2], _areas(columns, dice)
    said = (mine >= 0.5, theirs >= 0.5)
    return paired_answers.f1(truth, *said)[2], _f1s(truth, *said, dice)


def _f1s(
    truth: NDArray[np.bool_],
    mine: NDArray[np.bool_],
    theirs: NDArray[np.bool_],
    dice: np.random.Generator,
) -> NDArray[np.float64]:
    """Return the difference of each resample: counts of the cells of label and answers."""
    of = np.array([[at >> 2 & 1, at >> 1 & 1, at & 1] for at in range(8)], float)
    cells = np.bincount(4 * truth + 2 * mine + theirs, minlength=8)
    drawn = dice.multinomial(len(truth), cells / len(truth), RESAMPLES).astype(float)
    label, one, other = of.T
    with np.errstate(invalid="ignore"):
        each = [2 * drawn @ (label * a) / (drawn @ (label + a)) for a in (one, other)]
    return each[0] - each[1]


def _areas(columns: Columns, dice: np.random.Generator) -> NDArray[np.float64]:
    """Return the difference of each resample, stratified by label."""
    truth, mine, theirs = columns
    positives = int(truth.sum())
    if not 0 < positives < len(truth):
        return np.array([np.nan])
    each = [np.sign(score[truth][:, None] - score[~truth]) / 2 for score in (mine, theirs)]
    sizes = (positives, len(truth) - positives)
    first, second = (
        dice.multinomial(size, np.full(size, 1 / size), RESAMPLES) / size for size in sizes
    )
    return np.asarray(((first @ (each[0] - each[1])) * second).sum(1))


if __name__ == "__main__":
    main()
