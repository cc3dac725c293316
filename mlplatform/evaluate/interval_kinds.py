"""Bounds of the metrics of several classes, and of predicted numbers."""

import math
from collections.abc import Mapping
from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike

from mlplatform.evaluate import classes, numbers
from mlplatform.evaluate.metrics import BINS
from mlplatform.features.predicts import Predicts
from mlplatform.statistics.proportion import exact
from mlplatform.statistics.ranking import Bools, Floats, placements
from mlplatform.statistics.replicates import Groups, bounds, bounds_of_gaps

Bounds = tuple[int, float, float, str]  # Rows it is of, lower, upper, method.


def of(
    predicts: Predicts,
    labels: ArrayLike,
    answers: ArrayLike,
    observed: Mapping[str, float],
    confidence: float,
) -> dict[str, Bounds]:
    """Return the bounds of what was observed, by metric; every answer must be usable."""
    if predicts.task == "multiclass":
        return _of_classes(*classes.columns(labels, answers), observed, confidence)
    truth, said = numbers.columns(labels, answers, len(predicts.quantiles) or 1)
    if not predicts.quantiles:
        return _bounded(_errors(truth, said[:, 0]), len(truth), observed, confidence)
    return _of_quantiles(truth, said, predicts.quantiles, observed, confidence)


def _bounded(
    drawn: Mapping[str, Floats], rows: int, observed: Mapping[str, float], confidence: float
) -> dict[str, Bounds]:
    return {
        name: (rows, *bounds(observed[name], each, rows, confidence), "bootstrap")
        for name, each in drawn.items()
        if name in observed
    }


def _of_classes(
    truth: classes.Codes, score: Floats, observed: Mapping[str, float], confidence: float
) -> dict[str, Bounds]:
    rows, width = score.shape
    said, groups = score.argmax(1), Groups.of(rows)
    of_label = np.take_along_axis(score, truth[:, None], axis=1)[:, 0]
    found = _bounded(
        {
            "macro_f1": _macro_f1(groups, truth, said, width),
            "log_loss": groups.means(-np.log(np.maximum(of_label, classes.LEAST))),
            "brier": groups.means((score**2).sum(1) - 2 * of_label + 1),
        },
        rows, observed, confidence,
    )  # fmt: skip
    found["calibration_error"] = (
        rows,
        *_calibration(groups, said == truth, score.max(1), confidence),
        "bootstrap",
    )
    right = int((said == truth).sum())
    found["accuracy"] = (rows, *exact(right, rows, confidence), "exact")
    found["macro_auc"] = (rows, *_macro_auc(truth, score, confidence), "normal")
    return found


def _macro_f1(groups: Groups, truth: classes.Codes, said: classes.Codes, width: int) -> Floats:
    hits = groups.shares(truth, width, (truth == said).astype(np.float64))
    either = groups.shares(truth, width) + groups.shares(said, width)
    there = either > 0
    return np.asarray((2 * hits / np.where(there, either, 1)).sum(1) / there.sum(1))


def _calibration(
    groups: Groups, right: Bools, said: Floats, confidence: float
) -> tuple[float, float]:
    bin_of = np.minimum((said * BINS).astype(np.int64), BINS - 1)
    gap = np.bincount(bin_of, said - right, BINS) / len(right)
    return bounds_of_gaps(gap, groups.shares(bin_of, BINS, said - right), len(right), confidence)


def _macro_auc(truth: classes.Codes, score: Floats, confidence: float) -> tuple[float, float]:
    """Return normal bounds, by how much each row decides the mean area: DeLong et al. (1988).

    On the scale of log odds, so that they stay within 0 and 1; of a perfect order, those of as many
    hits in a row as the rarest class has rows.
    """
    rows, count = len(truth), np.bincount(truth, minlength=score.shape[1])
    there = np.flatnonzero((count > 0) & (count < rows))
    if not len(there):
        return math.nan, math.nan
    moves, areas = np.zeros(rows), []
    for at in there:
        mine, place = truth == at, placements(truth == at, score[:, at])
        areas.append(float(place[mine].mean()))
        share = count[at] / rows
        moves += (place - areas[-1]) / np.where(mine, share, 1 - share) / len(there)
    area = float(np.mean(areas))
    if not 0 < area < 1:
        rarest = int(np.minimum(count, rows - count)[there].min())
        return exact(rarest if area else 0, rarest, confidence)
    z = NormalDist().inv_cdf(1 - (1 - confidence) / 2)
    reach = z * math.sqrt(float(np.mean(moves**2)) / rows) / (area * (1 - area))
    odds = math.log(area / (1 - area))
    return 1 / (1 + math.exp(reach - odds)), 1 / (1 + math.exp(-reach - odds))


def _errors(truth: Floats, said: Floats) -> dict[str, Floats]:
    error, groups = said - truth, Groups.of(len(truth))
    about_mean = truth - truth.mean()  # Variances of small numbers lose no digits.
    squared = groups.means(error**2)
    spread = groups.means(about_mean**2) - groups.means(about_mean) ** 2
    with np.errstate(divide="ignore", invalid="ignore"):
        explained = np.where(spread > 0, 1 - squared / spread, np.nan)
    return {
        "rmse": np.sqrt(squared),
        "mae": groups.means(np.abs(error)),
        "r2": explained,
        "bias": groups.means(error),
    }


def _of_quantiles(
    truth: Floats,
    said: Floats,
    shares: tuple[float, ...],
    observed: Mapping[str, float],
    confidence: float,
) -> dict[str, Bounds]:
    rows, groups = len(truth), Groups.of(len(truth))
    drawn = {
        "pinball": groups.means(numbers.pinball(truth, said, shares)),
        "interval_width": groups.means(said[:, -1] - said[:, 0]),
    }
    if numbers.MEDIAN in shares:
        of_median = _errors(truth, said[:, shares.index(numbers.MEDIAN)])
        drawn |= {name: of_median[name] for name in ("rmse", "mae")}
    found = _bounded(drawn, rows, observed, confidence)
    if "coverage" in observed:
        hits, wanted = int(numbers.within(truth, said).sum()), shares[-1] - shares[0]
        lower, upper = exact(hits, rows, confidence)
        found["coverage"] = (rows, lower, upper, "exact")
        found["coverage_gap"] = (rows, lower - wanted, upper - wanted, "exact")
    return found
