"""Bounds of metrics that are no means, allowing for a row of each kind that was not seen. Always the same.

Rows are weighted as in the Bayesian bootstrap of Rubin (1981), and so is one row more that is answered as
badly as can be (for the lower bound) or as well (for the upper one), as `mean_bounds` has it for means. A
perfect answer to few rows is so bounded by as many hits in a row, and not by 1.
"""

import numpy as np
from numpy.typing import NDArray

from mlplatform.statistics import cells
from mlplatform.statistics.ranking import Bools, Floats, auc, average_precision

Codes = NDArray[np.int64]
DRAWS = 4000  # A bound then wanders by a thirtieth of a standard error.
METRICS = {"auc": auc, "average_precision": average_precision}


def ranked(metric: str, truth: Bools, score: Floats, confidence: float) -> tuple[float, float]:
    """Return one-sided bounds of "auc" or "average_precision"; both classes must be there.

    The rows not seen are a positive below, or above, all others and a negative on the other side of them.
    """
    place = np.unique(score, return_inverse=True)[1] + 1.0
    place /= place.max() + 1
    found = []
    for positive, share in ((0.0, 1 - confidence), (1.0, confidence)):
        rows, at = np.append(truth, (True, False)), np.append(place, (positive, 1 - positive))
        drawn = cells.replicates(cells.cells(rows, at, {}, 1)).away[metric]
        found.append(METRICS[metric](rows, at) + float(np.quantile(drawn, share)))
    own = METRICS[metric](truth, score)
    return min(max(found[0], 0.0), own), max(min(found[1], 1.0), own)


def macro_f1(truth: Codes, said: Codes, classes: int, confidence: float) -> tuple[float, float]:
    """Return one-sided bounds of the mean F1 over the classes that a label or an answer has.

    The row not seen is a miss, or a hit, of each of them.
    """
    cell, rows = np.unique(truth * classes + said, return_counts=True)
    dice = np.random.default_rng(0)
    drawn = dice.standard_gamma(rows, (DRAWS, len(rows)))
    of = [np.eye(classes)[each] for each in (cell // classes, cell % classes)]
    hits, either = drawn @ (of[0] * of[1]), drawn @ (of[0] + of[1])
    there = either[0] > 0
    hits, either = hits[:, there], either[:, there]
    unseen = dice.standard_exponential(hits.shape)
    lower = (2 * hits / (either + unseen)).mean(1)
    upper = (2 * (hits + unseen) / (either + 2 * unseen)).mean(1)
    return float(np.quantile(lower, 1 - confidence)), float(np.quantile(upper, confidence))
