"""Error gate, of predicted numbers: small enough, better than a constant, and not worse than the champion."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from mlplatform.gates.answer import Finding, finite, refused, sentence, worst
from mlplatform.spec.model_gates import ErrorGate
from mlplatform.statistics.paired_errors import PairedErrors, paired_errors, rows_needed
from mlplatform.verdict import Outcome, Verdict

Metric = Literal["rmse", "pinball"]
GATE = "error"


@dataclass(frozen=True, kw_only=True, eq=False)
class Errors:
    """How far one model was off, row by row.

    Attributes:
        model_digest: The model that answered.
        row_id: int64[rows], which rows; two models are compared only on equal ids in equal order.
        label: float64[rows], the true numbers.
        error: float64[rows], at least 0: squared for `rmse`, else the pinball loss; NaN where the
            model gave no number.
    """

    model_digest: str
    row_id: NDArray[np.int64]
    label: NDArray[np.float64]
    error: NDArray[np.float64]


def error(
    candidate: Errors | None,
    champion: Errors | None,
    policy: ErrorGate,
    metric: Metric = "rmse",
    quantiles: Sequence[float] = (),
) -> Verdict:
    """Pass when the error is at most `maximum`, below the best constant's, and within the champion's margin.

    The best constant is the test rows' own mean, or their own quantiles, which no model knows: a
    model that is no better has learnt nothing. Against a champion this is a non-inferiority test on
    the same rows: it passes when the one-sided 95 % upper bound of candidate's error over champion's
    is at most 1 + `margin`, fails when the lower bound is above it, and is inconclusive in between,
    saying how many rows would decide. A champion that is `None`, or could not be scored, is as in
    the accuracy gate.

    `observed` is the candidate's error in the label's unit, `limit` the `maximum`, or the best
    constant's error where none is set; `baseline` is the champion's error, or the best constant's.

    Args:
        candidate: Its errors.
        champion: The live model's.
        policy: The limits.
        metric: What the errors are.
        quantiles: That are predicted, for `pinball`.
    """
    unusable = _unusable(candidate)
    if candidate is None or unusable:
        limit = policy.maximum
        wanted = "below the best constant's" if limit is None else f"of at most {limit:g}"
        why = f"{unusable}; an error ({metric}) {wanted} is needed, and 1 row to measure it on"
        return refused(GATE, policy.severity, limit, why)
    observed = _metric(float(np.mean(candidate.error)), metric)
    trivial = _metric(_best_constant(candidate.label, metric, quantiles), metric)
    findings = [
        *_below_maximum(observed, policy.maximum, metric),
        _better_than_constant(observed, trivial, metric),
        _against(candidate, champion, policy.margin, metric),
    ]
    return Verdict(
        gate=GATE,
        outcome=worst(findings),
        severity=policy.severity,
        observed=observed,
        limit=trivial if policy.maximum is None else policy.maximum,
        baseline=findings[-1].evidence.get("champion_error", trivial),
        because=sentence(findings),
        evidence={
            "rows": len(candidate.error),
            "metric": metric,
            "best_constant": trivial,
            "findings": [{"outcome": f.outcome.value, "because": f.because} for f in findings],
            **findings[-1].evidence,
        },
    )


def _metric(mean_error: float, metric: Metric) -> float:
    return math.sqrt(mean_error) if metric == "rmse" else mean_error


def _unusable(errors: Errors | None) -> str:
    """Return why these errors are no measurement, or nothing where they are one."""
    if errors is None:
        return "the model was not scored"
    rows = len(errors.error)
    if not rows:
        return "the model was scored on 0 rows"
    if not len(errors.row_id) == len(errors.label) == rows:
        sizes = f"{len(errors.row_id)} ids, {len(errors.label)} labels, {rows} errors"
        return f"the scored rows do not line up: {sizes}"
    without = rows - int((np.isfinite(errors.error) & (errors.error >= 0)).sum())
    return f"{without} of {rows} rows have no usable prediction" if without else ""


def _best_constant(label: NDArray[np.float64], metric: Metric, quantiles: Sequence[float]) -> float:
    if metric == "rmse":
        return float(np.var(label))
    # A sample's quantile loses least of all constants when it is one of the sample's values.
    each = np.quantile(label, quantiles, method="inverted_cdf")
    off, wanted = label[:, None] - each, np.asarray(quantiles)
    return float(np.mean(np.maximum(wanted * off, (wanted - 1) * off)))


def _below_maximum(observed: float, maximum: float | None, metric: Metric) -> list[Finding]:
    if maximum is None:
        return []
    held = observed <= maximum
    why = f"{metric} {observed:.4g}, {'at most' if held else 'above'} {maximum:g}"
    return [Finding(outcome=Outcome.PASS if held else Outcome.FAIL, because=why)]


def _better_than_constant(observed: float, trivial: float, metric: Metric) -> Finding:
    better = observed < trivial
    how = "below" if better else "no better than"
    why = f"{metric} {observed:.4g}, {how} that of the best constant ({trivial:.4g})"
    return Finding(outcome=Outcome.PASS if better else Outcome.FAIL, because=why)


def _against(candidate: Errors, champion: Errors | None, margin: float, metric: Metric) -> Finding:
    if champion is None:
        why = f"the first model: no champion to stay within {margin:.1%} of"
        return Finding(outcome=Outcome.PASS, because=why)
    name = f"champion {champion.model_digest[:12]}"
    rows = len(champion.error)
    if rows and np.isnan(champion.error).all() and not _other_rows(candidate, champion):
        why = (
            f"{name} could not be scored on any of {rows:,} rows, so no margin of {margin:.1%} was"
            " tested: judged by the maximum and the best constant alone"
        )
        seen_of_it = {"champion": champion.model_digest, "champion_unscored": True}
        return Finding(outcome=Outcome.PASS, because=why, evidence=seen_of_it)
    unusable = _unusable(champion) or _other_rows(candidate, champion)
    if unusable:
        why = f"cannot compare with {name} (margin {margin:.1%}): {unusable}"
        return Finding(outcome=Outcome.INCONCLUSIVE, because=why)
    return _compared(candidate, champion, margin, metric)


def _other_rows(candidate: Errors, champion: Errors) -> str:
    if not np.array_equal(candidate.row_id, champion.row_id):
        return f"{len(candidate.row_id)} rows against {len(champion.row_id)}, not the same ones"
    if not np.array_equal(candidate.label, champion.label):
        return "the two were judged by different labels"
    return ""


def _compared(candidate: Errors, champion: Errors, margin: float, metric: Metric) -> Finding:
    """The margin is one of the metric: of the mean of squares, whose root that is, its square."""
    name = f"champion {champion.model_digest[:12]}"
    seen = paired_errors(candidate.error, champion.error)
    limit = (1 + margin) ** 2 if metric == "rmse" else 1 + margin
    same = bool(candidate.model_digest) and candidate.model_digest == champion.model_digest
    outcome = Outcome.PASS if same else _non_inferiority(seen, limit)
    needed = None
    if outcome is Outcome.INCONCLUSIVE:
        needed = rows_needed(candidate.error, champion.error, limit)
    more, lower, upper = (_metric(r, metric) - 1 for r in (seen.ratio, seen.lower, seen.upper))
    why = (
        f"{metric} {more:+.2%} against {name} on {seen.rows:,} rows, 95 % bounds {lower:+.2%} and"
        f" {upper:+.2%}, margin {margin:.1%}"
    )
    why += f"; about {needed:,} rows would decide" if needed else ""
    return Finding(
        outcome=outcome,
        because=f"this is the {name} itself" if same else why,
        evidence={
            "champion": champion.model_digest,
            "champion_error": _metric(seen.champion, metric),
            "relative_difference": finite(more),
            "relative_difference_lower": finite(lower),
            "relative_difference_upper": finite(upper),
            "margin": margin,
            "rows_needed": needed,
        },
    )


def _non_inferiority(seen: PairedErrors, limit: float) -> Outcome:
    if seen.upper <= limit:
        return Outcome.PASS
    return Outcome.FAIL if seen.lower > limit else Outcome.INCONCLUSIVE
