"""How sure a metric is: between which bounds it lies on rows like these.

Shares have exact bounds (Clopper & Pearson 1934), and so has F1; the others are bootstrapped over
strata, see `statistics.cells` and `statistics.replicates`. What is observed is what `tasks.measured`
says, whatever the bounds rest on.
"""

import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike

from mlplatform.evaluate import interval_kinds
from mlplatform.evaluate.metrics import BINS, THRESHOLD, columns
from mlplatform.evaluate.tasks import measured
from mlplatform.features.predicts import Predicts
from mlplatform.statistics import cells
from mlplatform.statistics.compared import Interval
from mlplatform.statistics.proportion import TWO_SIDED, exact
from mlplatform.statistics.ranking import Bools, Floats
from mlplatform.statistics.replicates import bounds, bounds_of_gaps, unbiased

RATES = ("selection_rate", "true_positive_rate", "false_positive_rate")
_RANKED = ("auc", "average_precision")  # Known as well as the rarer class lets them be.
LEAST = np.finfo(np.float64).eps  # The least probability a log loss counts, as in scikit-learn.
Bounds = tuple[int, float, float, str]  # Rows it is of, lower, upper, method.


def intervals(
    predicts: Predicts, labels: ArrayLike, answers: ArrayLike, confidence: float = TWO_SIDED
) -> dict[str, Interval]:
    """Return every metric of `tasks.measured` with its bounds, and of two classes three rates more.

    `rows` are those a metric is a mean over: of `recall` and `true_positive_rate` the positives, of
    `false_positive_rate` the negatives, of `precision` the rows answered with class 1, of `f1` the rows
    that are either. Bounds are NaN, and the method "none", where a metric is not defined: without
    a row, with an answer that is none, of a single class. Equal arguments have equal bounds.

    Args:
        predicts: What the answers are.
        labels: As `features.labels.truth` gives them.
        answers: A model's answers.
        confidence: Two-sided; 0.9 gives bounds that are one-sided 95 % ones each.

    Raises:
        ValueError: If answers and labels do not fit each other or the task.
    """
    observed = measured(predicts, labels, answers)
    rows = int(observed.pop("rows"))
    usable = rows > 0 and predicts.usable(np.asarray(answers, np.float64)).all()
    found: dict[str, Bounds] = {}
    if predicts.task == "binary":
        truth, score = columns(labels, answers)
        observed |= _rates(truth, score) if usable else dict.fromkeys(RATES, math.nan)
        found = _unbounded(truth)
        found |= _of_two_classes(truth, score, observed, confidence) if usable else {}
    elif usable:
        found = interval_kinds.of(predicts, labels, answers, observed, confidence)
    other: Bounds = (rows, math.nan, math.nan, "none")
    return {name: _interval(value, found.get(name, other)) for name, value in observed.items()}


def _unbounded(truth: Bools) -> dict[str, Bounds]:
    """Return those metrics whose rows are known without an answer."""
    positives = int(truth.sum())
    rows = {"recall": positives, "true_positive_rate": positives}
    rows["false_positive_rate"] = len(truth) - positives
    return {name: (of, math.nan, math.nan, "none") for name, of in rows.items()}


def _interval(observed: float, found: Bounds) -> Interval:
    rows, lower, upper, method = found
    bounded = math.isfinite(lower) and math.isfinite(upper)
    method = method if bounded else "none"
    return Interval(rows=rows, observed=observed, lower=lower, upper=upper, method=method)


def _rates(truth: Bools, score: Floats) -> dict[str, float]:
    shares = _shares(truth, score)
    return {name: hits / of if of else math.nan for name in RATES for hits, of in [shares[name]]}


def _shares(truth: Bools, score: Floats) -> dict[str, tuple[int, int]]:
    """Return the metrics that are shares: the hits, and the rows they are a share of."""
    said = score >= THRESHOLD
    rows, positives, selected = len(truth), int(truth.sum()), int(said.sum())
    hits = int((truth & said).sum())
    return {
        "accuracy": (rows - positives - selected + 2 * hits, rows),
        "precision": (hits, selected),
        "recall": (hits, positives),
        "f1": (hits, positives + selected - hits),
        "positive_share": (positives, rows),
        "selection_rate": (selected, rows),
        "true_positive_rate": (hits, positives),
        "false_positive_rate": (selected - hits, rows - positives),
    }


def _of_two_classes(
    truth: Bools, score: Floats, observed: Mapping[str, float], confidence: float
) -> dict[str, Bounds]:
    found: dict[str, Bounds] = {
        name: (of, *exact(hits, of, confidence), "exact")
        for name, (hits, of) in _shares(truth, score).items()
    }
    # F1 is 2 s / (1 + s), s the share of hits among the rows that are positive or answered so.
    of, lower, upper, method = found["f1"]
    found["f1"] = (of, 2 * lower / (1 + lower), 2 * upper / (1 + upper), method)
    of_label = np.where(truth, score, 1 - score)
    each = {"log_loss": -np.log(np.maximum(of_label, LEAST)), "brier": (1 - of_label) ** 2}
    drawn = cells.replicates(cells.cells(truth, score, each, BINS))
    rows, rarer = len(truth), int(min(truth.sum(), (~truth).sum()))
    for name, away in drawn.away.items():
        of = rarer if name in _RANKED else rows
        around = observed[name] + away
        if name in _RANKED:
            around = np.clip(unbiased(observed[name], around), 0.0, 1.0)
        found[name] = (rows, *_bounds(name, observed[name], around, of, confidence), "bootstrap")
    gaps = bounds_of_gaps(drawn.gap, drawn.gaps, rows, confidence)
    found["calibration_error"] = (rows, *gaps, "bootstrap")
    return found


def _bounds(
    name: str, observed: float, drawn: Floats, rows: int, confidence: float
) -> tuple[float, float]:
    """Return the bounds; of a metric at its very end, which does not vary, those of so many hits in a row."""
    known = drawn[np.isfinite(drawn)]
    if observed not in (0, 1) or (len(known) and np.ptp(known) > 0):
        return bounds(observed, drawn, rows, confidence)
    largest = -math.log(LEAST) if name == "log_loss" else 1.0
    lower, upper = exact(rows if observed else 0, rows, confidence)
    return lower * largest, upper * largest
