"""Candidate against the live model on all rows and on every slice, by bounds that hold for all at once."""

from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from mlplatform.evaluate.contest import Contest, contest
from mlplatform.evaluate.partitions import partitions
from mlplatform.evaluate.performance import itself
from mlplatform.evaluate.slices import ALL
from mlplatform.features.predicts import Predicts
from mlplatform.model_measures import Opponent, RegressionSeen, SliceCompared
from mlplatform.spec.metric_names import DEFAULTS, answer
from mlplatform.spec.performance_gates import RegressionGate
from mlplatform.statistics.compare import compare
from mlplatform.statistics.compared import ONE_SIDED

Rows = NDArray[np.int64]


def regression(
    predicts: Predicts,
    rows: pa.Table,
    groups: Sequence[str],
    scores: pa.Table,
    candidate: str,
    champion: Opponent | None,
    policy: RegressionGate,
) -> RegressionSeen:
    """Return the comparison on all rows, each value of each column of `groups`, and each pair of values.

    By accuracy of classes, rmse of numbers, pinball of quantiles. The bounds share an error of 5 %
    (Bonferroni). Slices of fewer than `min_rows` are named only.

    Raises:
        FeatureError: If a group column is not in `rows`.
        KeyError: If the candidate is not in the table.
        ValueError: If the rows are not those of the scores.
    """
    if rows.num_rows != scores.num_rows:
        raise ValueError(f"{rows.num_rows} rows to slice, {scores.num_rows} scores")
    both = contest(predicts, scores, candidate, champion)
    judged: list[tuple[str, Rows]] = []
    small = {}
    if both.judgeable and both.theirs is not None:
        judged.append((ALL, np.arange(both.rows)))
        for name, of in _slices(rows, groups):
            if len(of) >= policy.min_rows:
                judged.append((name, of))
            else:
                small[name] = len(of)
    confidence = 1 - (1 - ONE_SIDED) / max(len(judged), 1)
    return RegressionSeen(
        champion=both.champion,
        slices=[_compared(both, *each, policy.margin, confidence) for each in judged],
        small=small,
        rows=both.rows,
        unusable=both.unusable,
        single=both.single,
    )


def _slices(rows: pa.Table, groups: Sequence[str]) -> Iterator[tuple[str, Rows]]:
    """Say each slice and the places of its rows."""
    for part in partitions(rows, groups):
        order = np.argsort(part.code, kind="stable")
        yield from zip(part.names, np.split(order, np.cumsum(part.sizes)[:-1]), strict=True)


def _compared(
    both: Contest, name: str, of: Rows, margin: float, confidence: float
) -> SliceCompared:
    predicts, theirs = both.predicts, both.theirs
    assert theirs is not None  # noqa: S101 - slices are judged only where the champion answered.
    metric = DEFAULTS[answer(predicts.task, quantiles=bool(predicts.quantiles))][0]
    seen = compare(
        metric,
        both.labels[of],
        both.mine[of],
        theirs[of],
        margin,
        quantiles=predicts.quantiles,
        confidence=confidence,
    )
    return SliceCompared(slice=name, rows=len(of), compared=itself(seen) if both.same else seen)
