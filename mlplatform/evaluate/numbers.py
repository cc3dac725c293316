"""Metrics of predicted numbers, their mean or their quantiles, in numpy; tested against scikit-learn."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from mlplatform.statistics.ranking import Bools, Floats

MEAN = ("rmse", "mae", "r2", "bias")
MEDIAN = 0.5
PAIR = 2  # Quantiles that enclose something.


def regression(labels: ArrayLike, predicted: ArrayLike) -> dict[str, float]:
    """Return the metrics of `predicted` [rows] on `labels`, numbers.

    `rmse`, `mae` and `bias` (mean of predicted less true) are in the label's unit; `r2` is the share
    of the label's variance that is explained, below 0 of what is worse than its mean. A metric that
    is not defined for these rows is NaN: all of them without a row or where a prediction is no finite
    number, `r2` where the label does not vary.

    Raises:
        ValueError: If the two differ in length, or a label is no finite number.
    """
    truth, said = columns(labels, predicted, 1)
    rows = {"rows": float(len(truth))}
    if not len(truth) or not np.isfinite(said).all():
        return rows | dict.fromkeys(MEAN, float("nan"))
    error = said[:, 0] - truth
    squared, spread = float(np.mean(error**2)), float(np.var(truth))
    return rows | {
        "rmse": squared**0.5,
        "mae": float(np.mean(np.abs(error))),
        "r2": 1 - squared / spread if spread else float("nan"),
        "bias": float(np.mean(error)),
    }


def quantiles(labels: ArrayLike, predicted: ArrayLike, shares: Sequence[float]) -> dict[str, float]:
    """Return the metrics of `predicted` [rows, quantiles] on `labels`, numbers.

    `pinball` is the mean loss over rows and quantiles (Koenker & Bassett 1978), in the label's unit.
    Of the outermost two, `coverage` is the share of labels between them, `coverage_gap` that less the
    share that should be, and `interval_width` their mean distance; of the median, where it is asked
    for, `rmse` and `mae`. All are NaN without a row or where a prediction is no finite number.

    Raises:
        ValueError: If the shapes do not fit, or a label is no finite number.
    """
    truth, said = columns(labels, predicted, len(shares))
    names = quantile_names(shares)
    rows = {"rows": float(len(truth))}
    if not len(truth) or not np.isfinite(said).all():
        return rows | dict.fromkeys(names, float("nan"))
    found = {"pinball": float(np.mean(pinball(truth, said, shares)))}
    if len(shares) >= PAIR:
        low, high = said[:, 0], said[:, -1]
        within = float(np.mean((truth >= low) & (truth <= high)))
        found |= {
            "coverage": within,
            "coverage_gap": within - (shares[-1] - shares[0]),
            "interval_width": float(np.mean(high - low)),
        }
    if MEDIAN in shares:
        of_median = regression(truth, said[:, list(shares).index(MEDIAN)])
        found |= {name: of_median[name] for name in ("rmse", "mae")}
    return rows | found


def quantile_names(shares: Sequence[float]) -> tuple[str, ...]:
    """Return the names of the metrics of these quantiles, in order."""
    pair = ("coverage", "coverage_gap", "interval_width") if len(shares) >= PAIR else ()
    return ("pinball", *pair, *(("rmse", "mae") if MEDIAN in shares else ()))


def columns(labels: ArrayLike, predicted: ArrayLike, width: int) -> tuple[Floats, Floats]:
    """Return labels as float64[rows] and predictions as float64[rows, width].

    Raises:
        ValueError: If the shapes do not fit, or a label is no finite number.
    """
    truth, said = np.asarray(labels, np.float64), np.asarray(predicted, np.float64)
    if truth.ndim != 1 or said.size != len(truth) * width or len(said) != len(truth):
        shapes = f"{truth.shape} and {said.shape}"
        raise ValueError(f"{width} predicted numbers a label are needed: {shapes}")
    if not np.isfinite(truth).all():
        raise ValueError(f"{int((~np.isfinite(truth)).sum())} labels are no finite numbers")
    return truth, said.reshape(len(truth), width)


def pinball(truth: Floats, said: Floats, shares: Sequence[float]) -> Floats:
    """Return float64[rows]: the pinball loss of each row, the mean over its quantiles."""
    error, wanted = truth[:, None] - said, np.asarray(shares, np.float64)
    each: Floats = np.maximum(wanted * error, (wanted - 1) * error)
    return np.asarray(each.mean(1))


def within(truth: Floats, said: Floats) -> Bools:
    """Return bool[rows]: where the label lies between the outermost quantiles."""
    return np.asarray((truth >= said[:, 0]) & (truth <= said[:, -1]))
