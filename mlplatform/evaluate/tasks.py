"""What predictions are worth, whatever the task: the metrics, the loss and the errors that apply."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mlplatform.evaluate import classes, metrics, numbers
from mlplatform.features.predicts import Predicts
from mlplatform.statistics.ranking import Floats

TINY = 1e-7  # The least probability that the loss counts: f32, in which a model trains, holds 1 - 1e-7.


def measured(predicts: Predicts, labels: ArrayLike, answers: ArrayLike) -> dict[str, float]:
    """Return every metric of these answers on labels as `features.labels.truth` gives them.

    See `metrics.binary`, `classes.multiclass`, `numbers.regression` and `numbers.quantiles`.

    Raises:
        ValueError: If answers and labels do not fit each other or the task.
    """
    if predicts.task == "binary":
        return metrics.binary(labels, answers)
    if predicts.task == "multiclass":
        return classes.multiclass(labels, answers)
    if predicts.quantiles:
        return numbers.quantiles(labels, answers, predicts.quantiles)
    return numbers.regression(labels, answers)


def correct(predicts: Predicts, labels: ArrayLike, answers: ArrayLike) -> Floats:
    """Return float64[rows]: 1 where a classifier is right, 0 where wrong, NaN without probabilities."""
    if predicts.task == "binary":
        return metrics.correct(labels, answers)
    return classes.correct(labels, answers)


def errors(predicts: Predicts, labels: ArrayLike, answers: ArrayLike) -> Floats:
    """Return float64[rows]: the error of each predicted number, NaN where it is none.

    Squared, in the label's unit squared; of quantiles the mean pinball loss, in the label's unit.
    """
    shares = predicts.quantiles
    truth, said = numbers.columns(labels, answers, len(shares) or 1)
    found = numbers.pinball(truth, said, shares) if shares else (said[:, 0] - truth) ** 2
    return np.where(np.isfinite(said).all(1), found, np.nan)


def loss(
    predicts: Predicts, labels: ArrayLike, answers: ArrayLike, weights: NDArray[np.float32]
) -> float:
    """Return the loss of the task on held-out rows, each by its weight: what `Predicts.metric` names.

    Log loss in nats, root mean square or mean pinball loss in the label's unit; NaN where an answer
    is none.
    """
    share = np.asarray(weights, np.float64) / np.sum(weights, dtype=np.float64)
    if predicts.task == "regression":
        total = float(share @ errors(predicts, labels, answers))
        return total if predicts.quantiles else total**0.5
    score = np.asarray(answers, np.float64)
    if predicts.task == "binary":
        truth = np.asarray(labels).astype(bool)
        of_label = np.where(truth, score, 1 - score)
    else:
        of_label = np.take_along_axis(score, np.asarray(labels, np.int64)[:, None], axis=1)[:, 0]
    held = np.where(predicts.usable(score), np.maximum(of_label, TINY), np.nan)
    return float(-(share @ np.log(held)))
