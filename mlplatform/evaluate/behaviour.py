"""Tries a model's behaviour: the cases of the spec, those that follow from its groups, those in Python.

Flipping every protected column alone, all else equal, is the test of Galhotra, Brun & Meliou (2017),
"Fairness Testing: Testing Software for Discrimination", ESEC/FSE.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import pyarrow as pa
from numpy.typing import ArrayLike, NDArray

from mlplatform.errors import SpecError, in_words
from mlplatform.evaluate import behaviour_kinds as kinds
from mlplatform.evaluate.behaviour_functions import KIND, by_function, functions_of
from mlplatform.evaluate.behaviour_minimum import minimum
from mlplatform.evaluate.behaviour_protected import case_of, protected
from mlplatform.evaluate.behaviour_trial import Predict, Trial, sampled
from mlplatform.features.predicts import Predicts
from mlplatform.model_measures import BehaviourSeen, CaseSeen
from mlplatform.spec.behaviour import Direction, Invariance, Minimum, Robustness
from mlplatform.spec.model import RESERVED
from mlplatform.validate.leakage import candidates
from mlplatform.validate.sensitive import scrubbed

if TYPE_CHECKING:
    from mlplatform.spec import Pipeline, PipelineSpec
    from mlplatform.spec.label import Label
    from mlplatform.spec.trust_gates import BehaviourGate

AnyCase = Invariance | Direction | Minimum | Robustness
C = TypeVar("C", Invariance, AnyCase)


def behaviour(
    pipeline: "Pipeline",
    predict: Predict,
    rows: pa.Table,
    labels: ArrayLike,
    policy: "BehaviourGate",
) -> BehaviourSeen:
    """Return what came of every case. One that cannot be tried says why, and raises nothing.

    Args:
        pipeline: With its spec, and the folder of its `behaviour.py`.
        predict: Answers of rows, as `Predictor.predict_table`: not looking anything up, so that all
            but the changed columns stays as it is.
        rows: The test rows as the dataset has them, filled with the aggregates that the model reads,
            as `Scorer.filled` returns them.
        labels: Of the rows, as `features.labels.truth`.
        policy: How many rows are tried, and how many may flip with a protected column.
    """
    spec, truth = pipeline.spec, np.asarray(labels)
    trial = _trial(spec, predict, rows, truth, policy.max_rows)
    flips = [case_of(column, rows, policy.max_flips) for column in spec.groups]
    flipped = [_guarded(case, lambda one: protected(one, trial, policy)) for case in flips]
    tried = [
        _guarded(case, lambda one: _tried(one, trial, spec.label)) for case in spec.behaviour.cases
    ]
    return BehaviourSeen(cases=[*flipped, *tried, *_functions(pipeline, trial, truth)])


def has_cases(spec: "PipelineSpec") -> bool:
    """Whether there is anything to try: without groups and without a suite there is not."""
    return bool(spec.groups or spec.behaviour.cases or spec.behaviour.functions)


def _trial(
    spec: "PipelineSpec", predict: Predict, rows: pa.Table, labels: NDArray[Any], most: int
) -> Trial:
    numbers = spec.label.task == "regression"
    read = [name for name in candidates(spec) if name in rows.column_names]
    read += [n for n in rows.column_names if n not in spec.columns and n not in RESERVED]
    fixed = {*spec.key, spec.event_time}
    return Trial(
        predict=predict,
        predicts=Predicts.of(spec.label),
        all_rows=rows,
        sample=sampled(rows.num_rows, most),
        deviation=float(labels.std()) if numbers and labels.size else 1.0,
        positive=spec.label.positive,
        varied=tuple(name for name in read if name not in fixed),
        shown=tuple(read),
    )


def _guarded(case: C, attempt: Callable[[C], CaseSeen]) -> CaseSeen:
    return _or_why(lambda: attempt(case), case.name, case.kind, case.max_share)


def _tried(case: AnyCase, trial: Trial, label: "Label") -> CaseSeen:
    if isinstance(case, Invariance):
        return kinds.invariance(case, trial)
    if isinstance(case, Direction):
        return kinds.direction(case, trial)
    if isinstance(case, Robustness):
        return kinds.robustness(case, trial)
    return minimum(case, trial, label)


def _functions(pipeline: "Pipeline", trial: Trial, labels: NDArray[Any]) -> list[CaseSeen]:
    try:
        declared = functions_of(pipeline)
    except SpecError as wrong:
        return [_untried(pipeline.spec.behaviour.functions, KIND, 0.0, str(wrong))]
    return [
        _or_why(lambda one=one: by_function(one, trial, labels), one.name, KIND, one.max_share)  # type: ignore[misc]
        for one in declared
    ]


def _or_why(attempt: Callable[[], CaseSeen], name: str, kind: str, max_share: float) -> CaseSeen:
    """Return what came of an attempt, or why there was none: whatever a model or a team's code raises."""
    try:
        return attempt()
    except Exception as wrong:
        return _untried(name, kind, max_share, in_words(wrong))


def _untried(name: str, kind: str, max_share: float, why: str) -> CaseSeen:
    error = scrubbed(" ".join(why.split()))
    return CaseSeen(name=name, kind=kind, tried=0, failed=0, max_share=max_share, error=error)
