"""Does a model know how sure it may be? Of probabilities, quantiles and means, each by its own error."""

from typing import Literal

import numpy as np
import pyarrow as pa

from mlplatform.evaluate.contest import Contest, contest, right
from mlplatform.features.predicts import Predicts
from mlplatform.model_measures import CalibrationSeen, PromiseSeen
from mlplatform.statistics.calibration import Bin, bias, binned, coverage, gaps, in_the_large
from mlplatform.statistics.compared import Interval

CLASSES = "expected calibration error"
QUANTILES = "largest gap of a quantile's share"
NUMBERS = "mean error as a share of the label's deviation"
NAN = float("nan")


def calibration(predicts: Predicts, scores: pa.Table, candidate: str) -> CalibrationSeen:
    """Return the calibration error of one model on the rows of `evaluate.assessment`'s scores.

    Of two classes it is that of the probability, of several that of the answer's probability, in ten
    bins of equal width; of quantiles the largest gap of one's share, of numbers the mean error. Each
    quantile's own gap is a promise, and how often the rarer of two classes is said and seen.

    Raises:
        KeyError: If the candidate is not in the table.
    """
    one = contest(predicts, scores, candidate, None)
    what = CLASSES if predicts.task != "regression" else NUMBERS
    what = QUANTILES if predicts.quantiles else what
    if not one.judgeable:
        nothing = Interval(rows=one.rows, observed=NAN, lower=NAN, upper=NAN, method="none")
        return CalibrationSeen(error=nothing, what=what, unusable=one.unusable, single=one.single)
    error, worst = _error(one)
    return CalibrationSeen(error=error, what=what, worst=worst, promises=_promises(one))


def _promises(one: Contest) -> list[PromiseSeen]:
    predicts, said = one.predicts, one.mine.astype(np.float64)
    kind: Literal["quantile", "class"] = "class"
    found = []
    if predicts.task == "binary":
        found = [in_the_large(one.labels == 1, said)]
    elif predicts.quantiles:
        kind, found = "quantile", gaps(one.labels.astype(np.float64), said, predicts.quantiles)
    return [
        PromiseSeen(kind=kind, promised=both.promised, seen=both.seen, error=error)
        for error, both in found
    ]


def _error(one: Contest) -> tuple[Interval, str]:
    predicts, said = one.predicts, one.mine.astype(np.float64)
    if predicts.task == "binary":
        error, worst = binned(one.labels == 1, said)
        return error, f"said {worst.promised:.3f}, seen {_seen(worst)}"
    if predicts.task == "multiclass":
        error, worst = binned(right(predicts, one.labels, one.mine), said.max(1))
        return error, f"answers at {worst.promised:.3f} are right {_seen(worst)}"
    truth = one.labels.astype(np.float64)
    if predicts.quantiles:
        error, worst = coverage(truth, said, predicts.quantiles)
        return error, f"below quantile {worst.promised:g}: {_seen(worst)}"
    error, mean = bias(truth, said.reshape(-1))
    return error, f"too {'high' if mean > 0 else 'low'} on {error.rows:,} rows"


def _seen(found: Bin) -> str:
    return f"{found.seen:.3f} on {found.rows:,} row{'' if found.rows == 1 else 's'}"
