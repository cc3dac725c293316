"""A protected column set to any other of its values, all else equal: few answers may change.

A class flips at one threshold only, and where positives are rare hardly ever. So a row also counts by how
far its probability moves, and, of two classes, by how many times as likely one of them becomes.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from mlplatform.evaluate import behaviour_changes as changes
from mlplatform.evaluate.behaviour_kinds import altogether
from mlplatform.evaluate.behaviour_seen import seen
from mlplatform.evaluate.behaviour_trial import ROUNDING, Trial, apart
from mlplatform.model_measures import CaseSeen
from mlplatform.spec.behaviour import Invariance

if TYPE_CHECKING:
    from mlplatform.spec.trust_gates import BehaviourGate

MOST_VALUES = 20  # Of a column, the most frequent: one question to the model for each.

Answers = NDArray[np.float64]


def case_of(column: str, rows: pa.Table, max_share: float, most: int = MOST_VALUES) -> Invariance:
    """Return the case of one column: set to each of its `most` most frequent values in `rows`."""
    return Invariance(
        name=f"{column} set to any other of its values"[:80],
        set=[{column: value} for value in _values(rows, column, most)] or [{column: None}],
        max_share=max_share,
    )


def protected(case: Invariance, trial: Trial, policy: "BehaviourGate") -> CaseSeen:
    """Try in how many rows the answer changes; a column without another value does not apply.

    Raises:
        UntriedError: If the column is unknown, there are no rows, or an answer is unusable.
    """
    _ = trial.before  # Without usable answers nothing applies to the model.
    changed = [changes.with_values(trial.rows, values) for values in case.set]
    if not any(each.where.any() for each in changed):
        why = f"none of {trial.rows.num_rows:,} rows tried has another value of it"
        return CaseSeen(
            name=case.name,
            kind=case.kind,
            tried=0,
            failed=0,
            max_share=case.max_share,
            inapplicable=why,
        )
    outcome = altogether(trial, changed, partial(differ, trial, policy))
    return seen(case, trial, outcome, _wanted(trial, policy))


def differ(trial: Trial, policy: "BehaviourGate", answers: Sequence[Answers]) -> NDArray[np.bool_]:
    """Return bool[rows]: whether the answers to a row, f64[rows, width] each, are not all about the same."""
    found = trial.differ(answers, None)
    if trial.predicts.task == "regression":
        return found
    if policy.max_move is not None:
        found = found | (apart(answers) > policy.max_move + ROUNDING)
    if policy.max_factor is not None and trial.predicts.task == "binary":
        found = found | _by_factor(answers, trial.before, policy.max_factor)
    return found


def _by_factor(answers: Sequence[Answers], before: Answers, most: float) -> NDArray[np.bool_]:
    """Whether a class, likelier than it usually is, is so many times as likely by one answer as by another."""
    found = np.zeros(len(before), np.bool_)
    chances = np.stack([each[:, 0] for each in answers])
    usual = float(before.mean())
    for each, its in ((chances, usual), (1 - chances, 1 - usual)):
        high, low = each.max(axis=0), each.min(axis=0)
        found |= (high >= its) & (high > most * low + ROUNDING)
    return found


def _wanted(trial: Trial, policy: "BehaviourGate") -> str:
    if trial.predicts.task == "regression":
        return "which has to stay the same"
    by = [f"move by {policy.max_move:g}"] if policy.max_move is not None else []
    if policy.max_factor is not None and trial.predicts.task == "binary":
        by.append(f"be {policy.max_factor:g} times the other")
    return (
        f"which may not {' or '.join(['cross the threshold', *by])}"
        if by
        else "which has to stay the same"
    )


def _values(rows: pa.Table, name: str, most: int) -> list[Any]:
    if name not in rows.column_names:
        return []
    counts: Mapping[Any, int] = {
        pair["values"]: pair["counts"] for pair in rows[name].drop_null().value_counts().to_pylist()
    }
    return sorted(counts, key=lambda value: (-counts[value], str(value)))[:most]
