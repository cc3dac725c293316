"""What can be answered without a model: a constant, or the value last known."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from mlplatform.features.labels import truth
from mlplatform.features.predicts import Predicts
from mlplatform.spec.label import Label

Answers = NDArray[np.float32]
ALWAYS = ("f1", "precision")  # No constant but "yes" has any hit.


@dataclass(frozen=True, kw_only=True, eq=False)
class LastValues:
    """The label last known before each row.

    Attributes:
        what: In words.
        answers: As a model's, f32[rows] or f32[rows, outputs].
        known: bool[rows]: which rows have one before them; the others take the constant.
    """

    what: str
    answers: Answers
    known: NDArray[np.bool_]


def constant(predicts: Predicts, labels: NDArray[Any], metric: str) -> tuple[str, Answers]:
    """Return the constant that is best by `metric`, in words and as answers of every row.

    It is of these very labels, which no model knows: a model that is no better has learnt nothing.
    The prior of two or more classes answers with the majority class; of f1 and precision "always
    yes" is best, of mae the median, of pinball the quantiles. There must be a row.
    """
    if predicts.task == "regression":
        what, value = _number(predicts, labels.astype(np.float64), metric)
    elif predicts.task == "multiclass":
        rows = np.bincount(labels, minlength=len(predicts.classes))
        what, value = "the majority class", rows / len(labels)
    elif metric in ALWAYS:
        what, value = "always answering yes", np.float64(1)
    else:
        ranked = metric in ("auc", "average_precision")
        what = "the same answer to every row" if ranked else "the majority class"
        value = np.mean(labels, dtype=np.float64)
    what = "the shares of the classes" if metric in ("log_loss", "brier") else what
    return what, np.tile(np.asarray(value, np.float32), (len(labels), *[1] * np.ndim(value)))


def last_values(
    label: Label, rows: pa.Table, history: pa.Table, event_time: str, entity: str | None = None
) -> LastValues:
    """Return for each of `rows` the label of the latest row of `history` that is strictly earlier.

    Args:
        label: What is predicted.
        rows: Rows with their times.
        history: All rows with a label, in any order; those of `rows` may be among them.
        event_time: The timestamp column of both.
        entity: Whose last label counts: a column of both; None: of all rows.

    Raises:
        FeatureError: If a label of the history is none of its task.
    """
    kept = history.filter(
        pc.and_(pc.is_valid(history[label.column]), pc.is_valid(history[event_time]))
    )
    labels, predicts = truth(label, kept), Predicts.of(label)
    before, of = (_times(table[event_time]) for table in (kept, rows))
    whose, mine = _entities(kept, rows, entity)
    order = np.lexsort((before, whose))
    instants = np.unique(before)
    span = len(instants) + 1
    keys = whose[order] * span + np.searchsorted(instants, before[order])
    at = np.searchsorted(keys, mine * span + np.searchsorted(instants, of)) - 1
    known = (at >= 0) & pc.is_valid(rows[event_time]).to_numpy()
    known[known] = whose[order][at[known]] == mine[known]
    found = np.zeros((rows.num_rows, *predicts.width), np.float32)
    found[known] = _answered(predicts, labels[order][at[known]])
    what = f"the last value of each {entity}" if entity else "the last value"
    return LastValues(what=what, answers=found, known=known)


def _number(predicts: Predicts, labels: NDArray[np.float64], metric: str) -> tuple[str, Any]:
    if predicts.quantiles:
        # A sample's quantile loses least of all constants when it is one of the sample's values.
        return "the label's quantiles", np.quantile(
            labels, predicts.quantiles, method="inverted_cdf"
        )
    if metric == "mae":
        return "the label's median", np.median(labels)
    return "the label's mean", np.mean(labels)


def _times(column: pa.ChunkedArray) -> NDArray[np.int64]:
    same_unit = column.cast(pa.timestamp("us", tz=column.type.tz))
    whole: NDArray[np.int64] = pc.fill_null(same_unit.cast(pa.int64()), 0).to_numpy()
    return whole


def _entities(
    history: pa.Table, rows: pa.Table, entity: str | None
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return a number for each row's entity, equal in both tables."""
    if entity is None:
        return np.zeros(history.num_rows, np.int64), np.zeros(rows.num_rows, np.int64)
    both = [table[entity].cast(pa.string()).combine_chunks() for table in (history, rows)]
    text = pc.fill_null(pa.concat_arrays(both), "")
    codes = text.dictionary_encode().indices.to_numpy().astype(np.int64)
    return codes[: history.num_rows], codes[history.num_rows :]


def _answered(predicts: Predicts, labels: NDArray[Any]) -> Answers:
    if predicts.task == "multiclass":
        of_class: Answers = np.eye(len(predicts.classes), dtype=np.float32)[labels]
        return of_class
    one: Answers = labels.astype(np.float32)
    return np.tile(one[:, None], (1, len(predicts.quantiles))) if predicts.quantiles else one
