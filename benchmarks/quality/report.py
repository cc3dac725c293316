"""The results as a table to read, wins and losses alike, and what the goals say.

Test rows choose nothing: what is held to a goal was chosen by validation loss.
"""

import statistics
from collections.abc import Mapping
from typing import Any

from benchmarks.quality.score import HIGHER, ranks
from benchmarks.tables import TABLES

PEER = "lightgbm"
BLEND = "blend"  # Not tuned: it has no trials.
ASIDE = "blend_equal"  # Measured where time moves on, and ranked nowhere.
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
    everyone = {name for table in found.values() for name in table} - {ASIDE}
    whole = [table for table, one in found.items() if set(one) - {ASIDE} == everyone]
    placed = {t: _placed(found, t) for t in whole}
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


def _placed(found: Found, table: str) -> dict[str, float]:
    values = main_metric(found, table)
    values.pop(ASIDE, None)
    return ranks(values, TABLES[table].metric)


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
    adult = found.get("adult", {})
    networks = {name: one for name, one in adult.items() if name in NETWORKS}
    return {
        "adult_one_network": _reached(networks, "test", ONE_NETWORK),
        "adult_best": _reached(adult, "test", BEST),
    } | {f"flights_{part}": _flights(found, part) for part in ("april", "december")}


def _flights(found: Found, part: str) -> dict[str, Any]:
    """Return whether our model has LightGBM's AUC on days months later."""
    flights = found.get("flights", {})
    if PEER not in flights:
        return {"goal": None, "reached": None, "met": False}
    return _reached(flights, part, {"auc": flights[PEER]["test"][part]["auc"]})


def _reached(
    contenders: Mapping[str, Mapping[str, Any]], part: str, goal: Mapping[str, float]
) -> dict[str, Any]:
    """Return what the chosen one of our models reaches on test rows."""
    ours = {name: one for name, one in contenders.items() if name != PEER}
    if not ours:
        return {"goal": goal, "reached": None, "met": False}
    name, why = chosen(ours)
    reached = {metric: ours[name]["test"][part][metric] for metric in goal}
    met = all(reached[metric] >= goal[metric] for metric in goal)
    return {"goal": goal, "model": name, "chosen_by": why, "reached": reached, "met": met}


def chosen(models: Mapping[str, Mapping[str, Any]]) -> tuple[str, str]:
    """Return the model that one would ship who has not seen the test rows, and how it is chosen."""
    losses = {name: validation_loss(one) for name, one in models.items()}
    if losses.get(BLEND, 0.0) is None:
        return BLEND, "fixed in advance: its validation loss was not kept"
    known = {name: value for name, value in losses.items() if value is not None}
    return min(known, key=lambda name: known[name]), "least validation loss"


def validation_loss(one: Mapping[str, Any]) -> float | None:
    """Return the validation loss of a contender's settings fitted with seed 0, if it was kept.

    The trials are fitted with that seed: the least of them is what their best settings have.
    """
    kept = one.get("validation_loss_of_seeds", [])[:1] or one.get("validation_loss_of_trials", [])
    return min(kept, default=None)


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
