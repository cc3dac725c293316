"""Two models' probabilities on the same rows: differences of AUC, average precision, log loss and Brier score.

Each is a mean over rows of what the row contributes, exactly or to first order, so its variance is
theirs: one sort and a few sums, whatever the number of rows. Positive where the candidate is better.

Of the ways to bound the AUC that were measured on real predictions of 100 to 500 rows, at the margin,
DeLong's alone passes 5 to 9 % instead of 5, the paired percentile bootstrap 5 to 9 %, bootstrap-t
studentised by DeLong 7 to 12 %; DeLong's with the allowances of `bounds` at most 5.0 %
(`benchmarks/gate_simulation_methods.py`). Above, all agree. Log loss and Brier score pass 4 to 6 %.
"""

import math
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from mlplatform.statistics.bounds import Spread
from mlplatform.statistics.ranking import placements

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
# The least probability a log loss counts, as in scikit-learn.
EPS = float(np.finfo(np.float64).eps)
PAIR = 2  # Rows of a class that a variance takes.
STEEP = 2.0  # Largest contributions allowed for in average precision: measured, see there.


def auc(truth: Bools, candidate: Floats, champion: Floats) -> tuple[float, float, Spread | None]:
    """Return both areas under the ROC curve and the spread of their difference.

    The variance is that of DeLong, DeLong & Clarke-Pearson (1988), Biometrics 44:837, by `placements`.
    No spread with fewer than two rows of either class; no areas without one.
    """
    positives = int(truth.sum())
    if not positives or positives == len(truth):
        return float("nan"), float("nan"), None
    mine, theirs = placements(truth, candidate), placements(truth, champion)
    of_mine, of_theirs = float(mine[truth].mean()), float(theirs[truth].mean())
    if min(positives, len(truth) - positives) < PAIR:
        return of_mine, of_theirs, None
    apart = mine - theirs
    each = [_mean(apart[rows], 1.0) for rows in (truth, ~truth)]
    seen = Spread(
        rows=len(truth),
        observed=of_mine - of_theirs,
        variance=sum(one.variance for one in each),
        reach=math.hypot(*(one.reach for one in each)),
    )
    return of_mine, of_theirs, seen


def average_precision(
    truth: Bools, candidate: Floats, champion: Floats
) -> tuple[float, float, Spread | None]:
    """Return both average precisions and the spread of their difference.

    What a row contributes is the influence function of the step-wise area: with precision p(s) and
    share of rows N(s) at or above a score, a row of label y and score s contributes
    `y * (p(s) - ap) / share + mean over positives at or below s of (y - p) / N`, share being that of
    positives. A row at the top counts for several, and moves the others besides: twice the largest
    contribution is allowed for. With it 2 to 5 % pass at the margin, with once 4.5 to 7 %, of real
    predictions of 200 to 2,000 rows.
    """
    positives = int(truth.sum())
    if not positives or positives == len(truth):
        return float("nan"), float("nan"), None
    mine, of_mine = _precision_influence(truth, candidate)
    theirs, of_theirs = _precision_influence(truth, champion)
    if positives < PAIR:
        return of_mine, of_theirs, None
    spread = _mean(mine - theirs, len(truth) / positives)
    seen = replace(spread, observed=of_mine - of_theirs, reach=STEEP * spread.reach)
    return of_mine, of_theirs, seen


def losses(mine: Floats, theirs: Floats, most: float) -> tuple[float, float, Spread | None]:
    """Return the mean of each model's losses, less being better, and the spread of the difference.

    `most` is what one row can cost.
    """
    spread = _mean(theirs - mine, most) if len(mine) >= PAIR else None
    return float(np.mean(mine)), float(np.mean(theirs)), spread


def log_losses(of_label: Floats) -> Floats:
    """Return float64[rows], in nats, from the probability given to the label."""
    return np.asarray(-np.log(np.maximum(of_label, EPS)))


def _mean(apart: Floats, most: float) -> Spread:
    """Return the spread of a mean over rows.

    The most influential row is the furthest from the mean; where few rows differ at all, one row may
    be told by no other, and as much as `most` over the root of their number is allowed for.
    """
    rows, mean = len(apart), float(np.mean(apart))
    furthest = float(np.max(np.abs(apart - mean)))
    unseen = most / np.sqrt(1 + np.count_nonzero(apart))
    return Spread(
        rows=rows,
        observed=mean,
        variance=float(np.var(apart, ddof=1)) / rows,
        reach=max(furthest, float(unseen)) / rows,
    )


def _precision_influence(truth: Bools, score: Floats) -> tuple[Floats, float]:
    """Return what each row contributes, and the average precision itself."""
    order = np.argsort(-score)
    ranked, positive = score[order], truth[order].astype(np.float64)
    last = np.append(ranked[1:] != ranked[:-1], np.True_)
    ends = np.flatnonzero(last)
    tie = np.cumsum(last) - last
    above = (ends + 1).astype(np.float64)
    found = np.cumsum(positive)[ends]
    hits, precision, share = np.diff(found, prepend=0.0), found / above, found[-1] / len(score)
    area = float(hits @ precision / found[-1])
    # Over positives at or below: sums from the end. `above` is N(s) * rows, as the mean is over rows.
    below, below_precise = (
        np.cumsum((hits * each / above)[::-1])[::-1]
        for each in (np.ones_like(precision), precision)
    )
    own = positive * (precision[tie] - area)
    influence = np.empty(len(score))
    influence[order] = (own + positive * below[tie] - below_precise[tie]) / share
    return influence, area
