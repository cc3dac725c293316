"""One metric of two models on the same rows: by how much the candidate is better, and how sure that is."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mlplatform.statistics import paired_answers, paired_scores
from mlplatform.statistics.compared import ONE_SIDED, Compared
from mlplatform.statistics.compared_by import Asked, by_errors, by_flips, by_spread, unknown

COMPARABLE: Mapping[str, tuple[str, ...]] = {  # Names of metrics by kind of answer.
    "binary": (
        *("accuracy", "precision", "recall", "f1", "auc", "average_precision"),
        *("log_loss", "brier"),
    ),
    "multiclass": ("accuracy", "macro_f1", "log_loss", "brier"),
    "numbers": ("rmse", "mae"),
    "quantiles": ("pinball",),
}
THRESHOLD = 0.5  # As in `evaluate.metrics`.
WHOLE = 1e-3  # That the probabilities of a row may lack of 1, as in `features.predicts`.
MATRIX = 2  # Dimensions of answers with several outputs a row.

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


def compare(
    metric: str,
    labels: ArrayLike,
    candidate: ArrayLike,
    champion: ArrayLike,
    margin: float,
    *,
    quantiles: Sequence[float] = (),
    confidence: float = ONE_SIDED,
) -> Compared:
    """Return by how much the candidate is better, with one-sided bounds each at `confidence`.

    `labels` are as `features.labels.truth` gives them; answers are f32[rows] (probabilities of class
    1, numbers) or f32[rows, outputs] (probabilities of each class, `quantiles`). `better` is in the
    metric's unit and positive where the candidate is better, also where less of the metric is; of
    rmse, mae and pinball it is a share of the champion's. Not a bound nor a difference is given (NaN,
    method "none") where the rows allow none: no row or one, an answer that is none (NaN, no
    probability), labels of a single class, a champion without any error.

    Bounds: Tango's score of accuracy, and of recall on the positives; Fieller's of errors of numbers;
    DeLong's of auc; normal ones of the others, these and DeLong's with the allowances of `bounds`. Nothing is drawn
    at random. See `docs/gate-statistics.md` for how often they err.

    Raises:
        ValueError: If the metric is unknown for such answers, the shapes do not fit, or a label is
            none of the classes.
    """
    truth, mine, theirs = np.asarray(labels), *(_answers(each) for each in (candidate, champion))
    kind = kind_of(metric, mine, quantiles)
    if mine.shape != theirs.shape or truth.shape != mine.shape[:1]:
        shapes = f"{truth.shape}, {mine.shape} and {theirs.shape}"
        raise ValueError(f"{metric}: labels and answers of the same rows are needed, got {shapes}")
    asked = Asked(metric=metric, margin=margin, confidence=confidence)
    if len(truth) <= 1 or not (_usable(kind, mine) and _usable(kind, theirs)):
        return unknown(asked, len(truth), relative=kind in ("numbers", "quantiles"))
    if kind in ("numbers", "quantiles"):
        return _of_numbers(asked, truth, mine, theirs, quantiles)
    classes = mine.shape[1] if kind == "multiclass" else 2
    if not ((truth >= 0) & (truth < classes) & (truth == truth.astype(np.int64))).all():
        few = np.unique(truth)[:5].tolist()
        raise ValueError(f"{metric}: labels must be 0 to {classes - 1}, got {few}")
    if kind == "multiclass":
        return _of_classes(asked, truth.astype(np.int64), mine, theirs)
    return _of_two(asked, truth.astype(bool), mine, theirs)


def kind_of(metric: str, answers: NDArray[np.floating], quantiles: Sequence[float] = ()) -> str:
    """Return which of `COMPARABLE` these answers are.

    Raises:
        ValueError: If the metric is unknown for them, with those that are known.
    """
    if quantiles:
        kind = "quantiles"
    elif answers.ndim == MATRIX:
        kind = "multiclass"
    else:
        kind = "numbers" if metric in COMPARABLE["numbers"] else "binary"
    if metric in COMPARABLE[kind]:
        return kind
    known = COMPARABLE[kind] + (COMPARABLE["numbers"] if kind == "binary" else ())
    raise ValueError(f"no comparison by {metric!r} of such answers; known: {', '.join(known)}")


def _answers(values: ArrayLike) -> Floats:
    return np.asarray(values, dtype=np.float64)


def _usable(kind: str, answers: Floats) -> bool:
    if kind in ("numbers", "quantiles"):
        return bool(np.isfinite(answers).all())
    within = bool(((answers >= 0) & (answers <= 1)).all())
    if kind == "binary" or not within:
        return within
    return bool((np.abs(answers.sum(axis=1) - 1) <= WHOLE).all())


def _of_two(asked: Asked, truth: Bools, mine: Floats, theirs: Floats) -> Compared:
    said, theirs_said = mine >= THRESHOLD, theirs >= THRESHOLD
    right, theirs_right = said == truth, theirs_said == truth
    rows = len(truth)
    match asked.metric:
        case "accuracy":
            return by_flips(asked, right, theirs_right, np.ones(rows, dtype=bool))
        case "recall":
            return by_flips(asked, right, theirs_right, truth)
        case "precision" | "f1":
            how = paired_answers.f1 if asked.metric == "f1" else paired_answers.precision
            found = how(truth, said, theirs_said)
            return by_spread(asked, *found, rows, "normal", (right, theirs_right))
        case "auc":
            return by_spread(asked, *paired_scores.auc(truth, mine, theirs), rows, "delong")
        case "average_precision":
            return by_spread(
                asked, *paired_scores.average_precision(truth, mine, theirs), rows, "normal"
            )
    one_class = bool(truth.all() or not truth.any())
    each = [np.where(truth, score, 1 - score) for score in (mine, theirs)]
    squares = [(1 - of_label) ** 2 for of_label in each]
    return _of_losses(asked, each, squares, most=1.0, one_class=one_class)


def _of_classes(asked: Asked, truth: NDArray[np.int64], mine: Floats, theirs: Floats) -> Compared:
    said = [score.argmax(1) for score in (mine, theirs)]
    right = [one == truth for one in said]
    if asked.metric == "accuracy":
        return by_flips(asked, right[0], right[1], np.ones(len(truth), dtype=bool))
    if asked.metric == "macro_f1":
        found = paired_answers.macro_f1(truth, said[0], said[1], mine.shape[1])
        return by_spread(asked, *found, len(truth), "normal", (right[0], right[1]))
    scores = (mine, theirs)
    each = [np.take_along_axis(score, truth[:, None], axis=1)[:, 0] for score in scores]
    squares = [
        (score**2).sum(1) - 2 * of_label + 1 for score, of_label in zip(scores, each, strict=True)
    ]
    one_class = bool((truth == truth[0]).all())
    return _of_losses(asked, each, squares, most=2.0, one_class=one_class)


def _of_losses(
    asked: Asked, of_label: list[Floats], squares: list[Floats], *, most: float, one_class: bool
) -> Compared:
    """Return the comparison by log loss or Brier score, less being better."""
    losses = squares
    if asked.metric == "log_loss":
        losses = [paired_scores.log_losses(each) for each in of_label]
        most = float(max(each.max() for each in losses))
    value, other, seen = paired_scores.losses(losses[0], losses[1], most)
    return by_spread(asked, value, other, None if one_class else seen, len(losses[0]), "normal")


def _of_numbers(
    asked: Asked, truth: NDArray[np.floating], mine: Floats, theirs: Floats, shares: Sequence[float]
) -> Compared:
    errors = [
        truth.astype(np.float64).reshape(-1, 1) - each.reshape(len(truth), -1)
        for each in (mine, theirs)
    ]
    if asked.metric == "rmse":
        return by_errors(asked, errors[0][:, 0] ** 2, errors[1][:, 0] ** 2, 0.5)
    if asked.metric == "mae":
        return by_errors(asked, np.abs(errors[0][:, 0]), np.abs(errors[1][:, 0]), 1.0)
    wanted = np.asarray(shares, np.float64)
    losses = [np.maximum(wanted * each, (wanted - 1) * each).mean(1) for each in errors]
    return by_errors(asked, losses[0], losses[1], 1.0)
