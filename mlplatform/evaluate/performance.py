"""How good a model is on the test rows: by itself, beside a trivial baseline, and beside the live model."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pyarrow as pa

from mlplatform.evaluate.contest import Contest, contest
from mlplatform.evaluate.floors import floors, rows_needed
from mlplatform.evaluate.trivial import LastValues, constant
from mlplatform.features.predicts import Predicts
from mlplatform.model_measures import Opponent, PerformanceSeen, TrivialSeen
from mlplatform.spec.metric_names import DEFAULTS, answer, rules
from mlplatform.spec.performance_gates import MetricRule, PerformanceGate
from mlplatform.statistics.compare import compare
from mlplatform.statistics.compared import ONE_SIDED, Compared

UNBEATABLE = ("recall",)  # "Always yes" finds everything.
# A last value is no probability: by the others it would lose whatever the model.
OF_ANSWERS = ("accuracy", "precision", "f1", "macro_f1", "rmse", "mae", "pinball")


def performance(
    predicts: Predicts,
    scores: pa.Table,
    candidate: str,
    champion: Opponent | None,
    policy: PerformanceGate,
    last: LastValues | None = None,
) -> PerformanceSeen:
    """Return each metric that `policy` asks for, with what it is held against.

    Args:
        predicts: What the models answer.
        scores: Table of `evaluate.assessment`.
        candidate: Its digest.
        champion: The live model; None: this is the first.
        policy: The metrics, their margins and the baseline.
        last: Of `trivial.last_values`, which the baseline `last_value` needs.

    Raises:
        KeyError: If the candidate is not in the table, or a metric is unknown.
        ValueError: If the baseline is `last_value` and there is none.
    """
    if policy.baseline.kind == "last_value" and last is None:
        raise ValueError("the baseline is 'last_value': the last values of these rows are needed")
    of = answer(predicts.task, quantiles=bool(predicts.quantiles))
    both, asked = contest(predicts, scores, candidate, champion), rules(policy, of)
    seen = PerformanceSeen(
        rows=both.rows,
        unusable=both.unusable,
        metrics={},
        champion=both.champion,
        single=both.single,
    )
    if not both.judgeable:
        return seen
    beaten_by = [name for name in asked if name not in UNBEATABLE] or DEFAULTS[of]
    return replace(
        seen,
        metrics=floors(predicts, both.labels, both.mine, asked),
        trivial=_trivial(both, beaten_by, last if policy.baseline.kind == "last_value" else None),
        compared=_compared(both, asked),
        rows_needed=rows_needed(predicts, both.labels, both.mine, _limits(asked)),
    )


def _limits(asked: Mapping[str, MetricRule]) -> dict[str, float]:
    either = {n: r.maximum if r.minimum is None else r.minimum for n, r in asked.items()}
    return {name: limit for name, limit in either.items() if limit is not None}


def _trivial(both: Contest, metrics: Sequence[str], last: LastValues | None) -> list[TrivialSeen]:
    """Compare with the constant, and with the last values where these are the baseline.

    Of either, one metric in which the model is better will do, so all of them share the error.
    """
    found = [
        _beside(both, metric, *constant(both.predicts, both.labels, metric), len(metrics))
        for metric in metrics
    ]
    if (both.mine == both.mine[0]).all():
        # A constant itself, so it is surely no better than the best one.
        surely = [min(each.better, 0.0) for each in found]
        found = [replace(e, lower=at, upper=at) for e, at in zip(found, surely, strict=True)]
    return found + (_beside_last(both, metrics, last) if last is not None else [])


def _beside_last(both: Contest, metrics: Sequence[str], last: LastValues) -> list[TrivialSeen]:
    """Compare with the last values, by metrics of answers; those without one take the constant."""
    of = DEFAULTS[answer(both.predicts.task, quantiles=bool(both.predicts.quantiles))]
    hard = [metric for metric in metrics if metric in OF_ANSWERS] or of[:1]
    found = []
    for metric in hard:
        _, said = constant(both.predicts, both.labels, metric)
        known = last.known.reshape(-1, *[1] * (said.ndim - 1))
        said = np.where(known, last.answers, said)
        found.append(replace(_beside(both, metric, last.what, said, len(hard)), kind="last_value"))
    return found


def _beside(both: Contest, metric: str, what: str, said: np.ndarray, at_once: int) -> TrivialSeen:
    seen = _against(both, metric, said, 0.0, 1 - (1 - ONE_SIDED) / at_once)
    return TrivialSeen(
        metric=metric,
        what=what,
        baseline=seen.champion,
        better=seen.better,
        lower=seen.lower,
        upper=seen.upper,
    )


def _compared(both: Contest, asked: dict[str, MetricRule]) -> list[Compared]:
    if both.theirs is None:
        return []
    found = [
        _against(both, name, both.theirs, rule.margin, ONE_SIDED)
        for name, rule in asked.items()
        if rule.margin is not None
    ]
    return [itself(seen) for seen in found] if both.same else found


def itself(seen: Compared) -> Compared:
    """Return the comparison of a model with itself: there is no difference, and no doubt of it."""
    return replace(seen, better=0.0, lower=0.0, upper=0.0, power_if_equal=1.0, rows_needed=None)


def _against(
    both: Contest, metric: str, theirs: np.ndarray, margin: float, confidence: float
) -> Compared:
    return compare(
        metric,
        both.labels,
        both.mine,
        theirs,
        margin,
        quantiles=both.predicts.quantiles,
        confidence=confidence,
    )
