"""How differently a model treats groups and their intersections: gaps, each with bounds, also beside the champion's.

Defined as fairlearn 0.15 defines them (Bird et al. 2020): differences and ratios between groups, the
worst of the true and the false positive rate for equalized odds (Hardt, Price & Srebro 2016). Of
numbers it is the ratio of mean errors.
"""

from collections.abc import Sequence

import pyarrow as pa

from mlplatform.evaluate.class_gaps import class_gaps
from mlplatform.evaluate.contest import contest
from mlplatform.evaluate.error_gaps import error_gaps
from mlplatform.evaluate.partitions import partitions
from mlplatform.features.predicts import Predicts
from mlplatform.model_measures import FairnessSeen, GapSeen, Opponent
from mlplatform.spec.performance_gates import FairnessGate

ERROR = 0.05  # Of the lower bounds of all columns and intersections together.


def fairness(
    predicts: Predicts,
    rows: pa.Table,
    groups: Sequence[str],
    scores: pa.Table,
    candidate: str,
    champion: Opponent | None,
    policy: FairnessGate,
) -> FairnessSeen:
    """Return every gap that `policy` limits, for each column of `groups` and each two of them together.

    Args:
        predicts: What the models answer: of several classes accuracy's gap is measured, of numbers
            the ratio of errors.
        rows: The test rows, for the group columns.
        groups: Columns to judge.
        scores: Table of `evaluate.assessment`, of the same rows in the same order.
        candidate: Its digest.
        champion: The live model.
        policy: Which gaps, and which groups count.

    Raises:
        FeatureError: If a group column is not in `rows`.
        ValueError: If the rows are not those of the scores.
    """
    if rows.num_rows != scores.num_rows:
        raise ValueError(f"{rows.num_rows} rows to group, {scores.num_rows} scores")
    both = contest(predicts, scores, candidate, champion)
    measure = error_gaps if predicts.task == "regression" else class_gaps
    inner = policy.of_intersections()
    found: list[GapSeen] = []
    if both.judgeable:
        parts = partitions(rows, groups, intersections=inner is not None)
        for part in parts:
            asked = policy if len(part.columns) == 1 or inner is None else inner
            found += measure(both, part, asked, ERROR / len(parts))
    return FairnessSeen(
        rows=both.rows,
        unusable=both.unusable,
        gaps=found,
        task=predicts.task,
        champion=both.champion,
        single=both.single,
    )
