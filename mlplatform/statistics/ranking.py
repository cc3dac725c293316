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
    ends = np.append(np.flatnonzero(ranked[1:] != ranked[:-1]), len(score) - 1)
    size, to_here = np.diff(ends, prepend=-1), np.cumsum(positive)[ends]
    positives = np.diff(to_here, prepend=0)
    negatives, of = size - positives, to_here[-1]
    below = (ends + 1 - to_here - negatives / 2) / (len(score) - of)
    above = 1 - (to_here - positives / 2) / of
    found = np.empty(len(score))
    found[order] = np.where(positive, np.repeat(below, size), np.repeat(above, size))
    return found
