"""Bounds by which a floor is decided: as in the reports where these are exact, else valid on few rows too.

A percentile of a bootstrap knows only rows that were seen: of 30 rows without a blunder it is sure that there
are none. Here a row is allowed for that was not seen: answered as wrongly as the surest answer, or as far
off as any answer is from any label. How often either bound errs was measured: `docs/gate-statistics.md`.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from math import ceil
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlplatform.evaluate import classes, numbers
from mlplatform.evaluate.intervals import LEAST, intervals
from mlplatform.evaluate.metrics import columns
from mlplatform.features.predicts import Predicts
from mlplatform.statistics import mean_bounds, share_limit, unseen_rows
from mlplatform.statistics.compared import ONE_SIDED, Interval
from mlplatform.statistics.ranking import Floats

BOTH_SIDES = 2 * ONE_SIDED - 1  # Two-sided, each bound then is a one-sided 95 % one.
SHARES = ("accuracy", "precision", "recall")  # Of `Interval.rows` rows.


@dataclass(frozen=True, eq=False)
class Losses:
    """What each row costs, f64[rows], the most that one could, and the root that the metric is of their mean."""

    each: Floats
    most: float
    root: float = 1.0


def floors(
    predicts: Predicts, labels: NDArray[Any], said: NDArray[Any], names: Collection[str]
) -> dict[str, Interval]:
    """Return these metrics of `intervals`, with one-sided 95 % bounds.

    Raises:
        KeyError: If there is no such metric of such answers.
        ValueError: As `intervals`.
    """
    every = intervals(predicts, labels, said, BOTH_SIDES)
    found = {name: every[name] for name in names}
    if not len(labels) or not predicts.usable(np.asarray(said)).all():
        return found
    costs = losses(predicts, labels, said)
    return {
        name: of if of.method == "none" else _with(of, _bounds(predicts, labels, said, name, costs))
        for name, of in found.items()
    }


def _bounds(
    predicts: Predicts,
    labels: NDArray[Any],
    said: NDArray[Any],
    name: str,
    costs: Mapping[str, Losses],
) -> tuple[float, float] | None:
    """Return the bounds of one metric; None where those of the reports are exact."""
    if name in costs:
        of = costs[name]
        return _rooted(of.root, mean_bounds.bounds(of.each, 0.0, of.most, ONE_SIDED))
    if name in unseen_rows.METRICS:
        return unseen_rows.ranked(name, *columns(labels, said), ONE_SIDED)
    if name == "macro_f1":
        codes, each = classes.columns(labels, said)
        return unseen_rows.macro_f1(codes, each.argmax(1), each.shape[1], ONE_SIDED)
    return None


def rows_needed(
    predicts: Predicts, labels: NDArray[Any], said: NDArray[Any], limits: Mapping[str, float]
) -> dict[str, int]:
    """Return of each metric's floor how many rows would decide with 80 % power, where that can be told."""
    known, costs = intervals(predicts, labels, said, BOTH_SIDES), losses(predicts, labels, said)
    found: dict[str, int | None] = {}
    for name, limit in limits.items():
        if name in SHARES and name in known and known[name].rows:
            needed = share_limit.rows_needed(known[name].observed, limit)
            found[name] = needed and ceil(needed * len(labels) / known[name].rows)
        elif name in costs:
            of = costs[name]
            found[name] = mean_bounds.rows_needed(
                of.each, 0.0, of.most, limit ** (1 / of.root), ONE_SIDED
            )
    return {name: needed for name, needed in found.items() if needed}


def losses(predicts: Predicts, labels: NDArray[Any], said: NDArray[Any]) -> dict[str, Losses]:
    """Return the metrics of such answers that are means of losses, or roots of them."""
    if predicts.task == "binary":
        truth, score = columns(labels, said)
        of_label = np.where(truth, score, 1 - score)
        surest = float(np.maximum(score, 1 - score).max())
        return {
            "log_loss": _log_loss(of_label, 1 - surest),
            "brier": Losses((1 - of_label) ** 2, surest**2),
        }
    if predicts.task == "multiclass":
        codes, each = classes.columns(labels, said)
        of_label = np.take_along_axis(each, codes[:, None], axis=1)[:, 0]
        squares, left = (each**2).sum(1), 1 - float(each.max())
        return {
            "log_loss": _log_loss(of_label, left / max(each.shape[1] - 1, 1)),
            "brier": Losses(squares - 2 * of_label + 1, float(squares.max()) + 1),
        }
    return _of_numbers(*numbers.columns(labels, said, len(predicts.quantiles) or 1), predicts)


def _log_loss(of_label: Floats, left: float) -> Losses:
    """Return the losses in nats; the surest answer, if wrong, leaves `left` to the label."""
    return Losses(-np.log(np.maximum(of_label, LEAST)), float(-np.log(max(left, LEAST))))


def _of_numbers(truth: Floats, said: Floats, predicts: Predicts) -> dict[str, Losses]:
    furthest = np.maximum(truth.max() - said.min(0), said.max(0) - truth.min())
    furthest = np.maximum(furthest, 0.0)
    if predicts.quantiles:
        share = np.asarray(predicts.quantiles)
        most = float(np.mean(np.maximum(share, 1 - share) * furthest))
        return {"pinball": Losses(numbers.pinball(truth, said, predicts.quantiles), most)}
    error = np.abs(said[:, 0] - truth)
    return {
        "rmse": Losses(error**2, float(furthest[0] ** 2), 0.5),
        "mae": Losses(error, float(furthest[0])),
    }


def _rooted(root: float, found: tuple[float, float]) -> tuple[float, float]:
    return max(found[0], 0.0) ** root, found[1] ** root


def _with(of: Interval, found: tuple[float, float] | None) -> Interval:
    return of if found is None else replace(of, lower=found[0], upper=found[1])
