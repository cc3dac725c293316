"""What trying a case came to: how many rows failed it, with bounds, and the worst of them in words."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from mlplatform.evaluate.behaviour_trial import Trial, UntriedError
from mlplatform.model_measures import CaseSeen
from mlplatform.spec.behaviour import Direction, Invariance, Robustness
from mlplatform.statistics.share_limit import one_sided
from mlplatform.validate.sensitive import shown

EXAMPLES = 5  # Rows told of a case.
ID = "row_id"  # The platform's own column.


@dataclass(frozen=True)
class Outcome:
    """What one change did to the rows.

    Attributes:
        tried: bool[n], rows that it changed.
        failed: bool[n], of them.
        size: f64[n], how badly.
        changed: The changed rows, one table, or several of which `which` says each row's worst.
        after: Answers to them, f64[n, width] each.
        columns: That were changed.
        which: int64[n].
    """

    tried: NDArray[np.bool_]
    failed: NDArray[np.bool_]
    size: NDArray[np.float64]
    changed: tuple[pa.Table, ...]
    after: tuple[NDArray[np.float64], ...]
    columns: tuple[tuple[str, ...], ...]
    which: NDArray[np.int64]

    @property
    def share(self) -> float:
        """Of the rows tried, those that failed."""
        return float(self.failed.sum() / self.tried.sum()) if self.tried.any() else 0.0


def seen(
    case: Invariance | Direction | Robustness,
    trial: Trial,
    outcome: Outcome,
    wanted: str,
    at_once: int = 1,
) -> CaseSeen:
    """Return what a case came to; `at_once` is of how many outcomes this was the worst.

    Raises:
        UntriedError: If no row was changed.
    """
    tried, failed = int(outcome.tried.sum()), int(outcome.failed.sum())
    if not tried:
        raise UntriedError(f"it changes none of {len(outcome.tried):,} rows, so it tries nothing")
    order = np.argsort(np.where(outcome.failed, -outcome.size, np.inf), kind="stable")
    places = [int(i) for i in order[: min(failed, EXAMPLES)]]
    lower, upper = one_sided(failed, tried, at_once)
    return CaseSeen(
        name=case.name,
        kind=case.kind,
        tried=tried,
        failed=failed,
        max_share=case.max_share,
        lower=lower,
        upper=upper,
        worst=_words(trial, outcome, places[0], wanted) if places else "",
        examples=[_example(trial, outcome, i) for i in places],
    )


def _change(trial: Trial, outcome: Outcome, i: int) -> dict[str, tuple[Any, Any]]:
    """Return each changed column's value before and after, as they may be shown."""
    new = outcome.changed[outcome.which[i]]
    both = {
        name: (trial.rows[name][i].as_py(), new[name][i].as_py())
        for name in outcome.columns[outcome.which[i]]
    }
    return {name: (said(a), said(b)) for name, (a, b) in both.items() if a != b}


def _words(trial: Trial, outcome: Outcome, i: int, wanted: str) -> str:
    change = _change(trial, outcome, i).items()
    told = ", ".join(f"{name} {_word(a)} → {_word(b)}" for name, (a, b) in change)
    before, after = trial.before[i], outcome.after[outcome.which[i]][i]
    return f"{told}: {trial.answer} {trial.told(before)} → {trial.told(after)}, {wanted}"


def _example(trial: Trial, outcome: Outcome, i: int) -> Mapping[str, Any]:
    row = trial.rows.slice(i, 1).to_pylist()[0]
    change = _change(trial, outcome, i)
    return {
        **({ID: str(row[ID])} if ID in row else {}),
        "change": {name: {"from": a, "to": b} for name, (a, b) in change.items()},
        "before": trial.told(trial.before[i]),
        "after": trial.told(outcome.after[outcome.which[i]][i]),
        "row": {name: said(row[name]) for name in trial.shown if name not in change},
    }


def said(value: Any) -> Any:
    """Return a value as it may be shown in JSON: masked where personal, times in ISO 8601."""
    if hasattr(value, "isoformat"):
        return value.isoformat()
    if isinstance(value, float):
        return float(f"{value:.6g}") if np.isfinite(value) else None
    return shown(value)


def _word(value: Any) -> str:
    return "missing" if value is None else str(value)
