"""The results as a table to read, wins and losses alike, and what the goals say."""

import statistics
from collections.abc import Mapping
from typing import Any

from benchmarks.quality.score import HIGHER, ranks
from benchmarks.tables import TABLES

PEER = "lightgbm"
NETWORKS = ("linear", "mlp", "tabm")
ONE_NETWORK = {"accuracy": 0.870, "auc": 0.924}  # On Adult's official test rows, one JAX model.
BEST = {"accuracy": 0.8735, "auc": 0.9285}  # There, the best configuration that ships.
Found = Mapping[str, Mapping[str, Any]]


def line(test: Mapping[str, Mapping[str, float]]) -> str:
    """Return the test metrics of one contender."""
    parts = (
        f"{part}: " + ", ".join(f"{metric} {value:.4f}" for metric, value in metrics.items())
        for part, metrics in test.items()
    )
    return "; ".join(parts)


def main_metric(found: Found, table: str) -> dict[str, float]:
    """Return each contender's main metric on a table, the mean over its test parts."""
    metric = TABLES[table].metric
    return {
        name: statistics.fmean(part[metric] for part in one["test"].values())
        for name, one in found[table].items()
    }


def summary(found: Found) -> dict[str, Any]:
    """Return mean ranks over the tables that all contenders have done, wins and losses, and goals."""
    everyone = {name for table in found.values() for name in table}
    whole = [table for table, one in found.items() if set(one) == everyone]
    placed = {t: ranks(main_metric(found, t), TABLES[t].metric) for t in whole}
    return {
        "tables_of_all_contenders": whole,
        "mean_rank": {
            name: round(statistics.fmean(placed[table][name] for table in whole), 2)
            for name in sorted(everyone)
            if whole
        },
        "against_lightgbm": {name: _against(found, name) for name in sorted(everyone - {PEER})},
        "goals": _goals(found),
    }


def _against(found: Found, name: str) -> dict[str, list[str]]:
    """Return the test parts on which a contender is better and worse than LightGBM itself."""
    said: dict[str, list[str]] = {"better": [], "worse": [], "equal": []}
    for table, one in found.items():
        if name not in one or PEER not in one:
            continue
        metric = TABLES[table].metric
        for part, scored in one[name]["test"].items():
            gain = scored[metric] - one[PEER]["test"][part][metric]
            gain = gain if metric in HIGHER else -gain
            word = "better" if gain > 0 else "worse" if gain < 0 else "equal"
            said[word].append(f"{table} {part}")
    return said


def _goals(found: Found) -> dict[str, Any]:
    adult = {n: one["test"]["test"] for n, one in found.get("adult", {}).items()}
    networks = {name: test for name, test in adult.items() if name in NETWORKS}
    ours = {name: test for name, test in adult.items() if name != PEER}
    return {
        "adult_one_network": _best(networks, ONE_NETWORK),
        "adult_best": _best(ours, BEST),
    } | {f"flights_{part}": _flights(found, part) for part in ("april", "december")}


def _best(models: Mapping[str, Mapping[str, float]], goal: Mapping[str, float]) -> dict[str, Any]:
    """Return the model that comes nearest to a goal, judged by the metric it misses most."""
    if not models:
        return {"goal": goal, "reached": None, "met": False}
    name = max(models, key=lambda one: min(models[one][m] - goal[m] for m in goal))
    reached = {metric: models[name][metric] for metric in goal}
    met = all(reached[metric] >= goal[metric] for metric in goal)
    return {"goal": goal, "model": name, "reached": reached, "met": met}


def _flights(found: Found, part: str) -> dict[str, Any]:
    aucs = {name: one["test"][part]["auc"] for name, one in found.get("flights", {}).items()}
    goal = aucs.pop(PEER, None)
    if goal is None or not aucs:
        return {"goal": goal, "reached": None, "met": False}
    name = max(aucs, key=lambda one: aucs[one])
    return {"goal": goal, "model": name, "reached": aucs[name], "met": aucs[name] >= goal}


def text(found: Found) -> str:
    """Return all results to read: a line a table and contender, the best marked, then ranks and goals."""
    lines = []
    for table, one in found.items():
        values = main_metric(found, table)
        places = ranks(values, TABLES[table].metric)
        for name in sorted(one, key=lambda each: places[each]):
            mark = "*" if places[name] == min(places.values()) else " "
            lines.append(f"{table:9s} {mark} {name:9s} {line(one[name]['test'])}")
    said = summary(found)
    lines += [f"mean rank {name}: {rank}" for name, rank in said["mean_rank"].items()]
    lines += [f"goal {name}: {goal}" for name, goal in said["goals"].items()]
    return "\n".join(lines)
