"""How well scores rank the rows of one class above those of the other: areas under curves, in numpy.

Tested against scikit-learn, which is not used here: importing it costs 4.7 s.
"""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


def auc(truth: Bools, score: Floats) -> float:
    """Return the area under the ROC curve, ties counting half: Mann & Whitney (1947)."""
    if truth.all() or not truth.any():
        return float("nan")
    return float(np.mean(placements(truth, score)[truth]))


def average_precision(truth: Bools, score: Floats) -> float:
    """Return the mean precision over recall, by steps at each distinct score."""
    if truth.all() or not truth.any():
        return float("nan")
    order = np.argsort(-score, kind="stable")
    last_of_tie = np.append(np.diff(score[order]) != 0, np.True_)
    found = np.cumsum(truth[order])[last_of_tie]
    precision = found / (np.flatnonzero(last_of_tie) + 1)
    return float(np.sum(np.diff(found, prepend=0) * precision) / truth.sum())


def placements(truth: Bools, score: Floats) -> Floats:
    """Return float64[rows]: the share of the other class that each row is on the right side of.

    Of a positive the share of negatives below it, of a negative the share of positives above it, ties
    counting half. Their means over either class are the AUC; Sun & Xu (2014), IEEE Signal Processing
    Letters 21:1389, find them by one sort. Both classes must be there.
    """
    order = np.argsort(score)
    ranked, positive = score[order], truth[order]
    new = np.append(np.True_, ranked[1:] != ranked[:-1])
    starts, tie = np.flatnonzero(new), np.cumsum(new) - 1
    positives = np.add.reduceat(positive, starts, dtype=np.float64)
    negatives = np.diff(np.append(starts, len(score))) - positives
    below = (np.cumsum(negatives) - negatives / 2) / negatives.sum()
    above = 1 - (np.cumsum(positives) - positives / 2) / positives.sum()
    found = np.empty(len(score))
    found[order] = np.where(positive, below[tie], above[tie])
    return found
