"""One contender on one table: trials on validation rows, then the best settings, several seeds, on test rows."""

import statistics
import time
from typing import Any

import optuna

from benchmarks.quality.contender import Contender, Problem, Settings
from benchmarks.quality.score import loss, score

START = 5  # Trials drawn at random before the sampler learns from them.


def study(contender: Contender, problem: Problem, trials: int, seeds: int) -> dict[str, Any]:
    """Return settings, test metrics of each seed and their means, and seconds used."""
    started = time.perf_counter()
    best, values = tuned(contender, problem, trials) if trials else (contender.defaults, [])
    return measured(contender, problem, best, seeds) | {
        "trials": trials,
        "validation_loss_of_trials": values,
        "tuning_seconds": round(time.perf_counter() - started, 1),
    }


def tuned(contender: Contender, problem: Problem, trials: int) -> tuple[Settings, list[float]]:
    """Return the settings of the lowest validation loss, and the loss of each trial."""
    rows = problem.parts.validation
    labels = problem.labels(rows)

    def objective(trial: optuna.Trial) -> float:
        settings = contender.propose(trial, problem) if trial.number else contender.defaults
        trial.set_user_attr("settings", settings)
        predict = contender.fit(problem, settings, seed=0)
        return loss(problem.table.task, predict(rows), labels)

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    sampler = optuna.samplers.TPESampler(seed=0, n_startup_trials=START, multivariate=True)
    run = optuna.create_study(sampler=sampler)
    run.optimize(objective, n_trials=trials)
    return run.best_trial.user_attrs["settings"], [round(t.value or 0.0, 6) for t in run.trials]


def measured(
    contender: Contender, problem: Problem, settings: Settings, seeds: int
) -> dict[str, Any]:
    """Return validation loss and test metrics of settings fitted with seeds 0, 1, …, and the metrics' means."""
    each: dict[str, dict[str, list[float]]] = {}
    seconds, losses = [], []
    held = problem.parts.validation
    for seed in range(seeds):
        started = time.perf_counter()
        predict = contender.fit(problem, settings, seed)
        seconds.append(round(time.perf_counter() - started, 2))
        losses.append(round(loss(problem.table.task, predict(held), problem.labels(held)), 6))
        for part, rows in problem.parts.tests.items():
            scored = score(problem.table.task, predict(rows), problem.labels(rows))
            for metric, value in scored.items():
                each.setdefault(part, {}).setdefault(metric, []).append(round(value, 6))
    means = {
        part: {metric: round(statistics.fmean(v), 6) for metric, v in metrics.items()}
        for part, metrics in each.items()
    }
    return {
        "settings": settings,
        "test": means,
        "test_of_seeds": each,
        "validation_loss_of_seeds": losses,
        "fit_seconds": seconds,
    }
