"""Accuracy gate: good enough, better than guessing, and not worse than the champion."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mlplatform.gates.answer import Finding, finite, refused, sentence, worst
from mlplatform.spec.model_gates import AccuracyGate
from mlplatform.statistics.paired import (
    PairedDifference,
    paired_difference,
    power_if_equal,
    rows_needed,
)
from mlplatform.verdict import Outcome, Verdict


@dataclass(frozen=True, kw_only=True, eq=False)
class Outcomes:
    """What one model got right, row by row.

    Attributes:
        model_digest: The model that answered.
        row_id: int64[rows], which rows; two models are compared only on equal ids in equal order.
        label: The class of each row, as a whole number; of two classes 1 is the positive one.
        correct: float64[rows], 1 for right, 0 for wrong, NaN where the model gave no probability.
    """

    model_digest: str
    row_id: NDArray[np.int64]
    label: NDArray[np.int8] | NDArray[np.int32]
    correct: NDArray[np.float64]


def accuracy(
    candidate: Outcomes | None, champion: Outcomes | None, policy: AccuracyGate
) -> Verdict:
    """Pass when the candidate holds the floor, beats the majority class and the champion's margin.

    Against a champion this is a non-inferiority test on the same rows: it passes when the one-sided
    95 % lower bound of the difference is at least `-margin`, fails when the upper bound is below
    it, and is inconclusive in between, saying how many rows would decide.

    `champion` is `None` only where no model is live. One whose every answer is NaN could not be
    scored at all: the candidate is then judged by the floor and the majority class alone, and the
    verdict says so, since a live model that nothing can run would else bar every successor. One that
    lacks rows, or some answers, has not been compared, and the verdict is inconclusive.

    `observed` is the candidate's accuracy, `limit` the floor, `baseline` the champion's accuracy,
    or the majority class's where there is no champion.
    """
    unusable = _unusable(candidate)
    if candidate is None or unusable:
        why = f"{unusable}; an accuracy of at least {policy.minimum:g} is needed"
        return refused("accuracy", policy.severity, policy.minimum, why)
    observed, trivial = float(np.mean(candidate.correct)), _majority(candidate)
    findings = [
        _floor(observed, policy.minimum),
        _better_than_guessing(observed, trivial),
        _against(candidate, champion, policy.margin),
    ]
    baseline = findings[-1].evidence.get("champion_accuracy", trivial)
    return Verdict(
        gate="accuracy",
        outcome=worst(findings),
        severity=policy.severity,
        observed=observed,
        limit=policy.minimum,
        baseline=baseline,
        because=sentence(findings),
        evidence={
            "rows": len(candidate.correct),
            "majority_class": trivial,
            "findings": [{"outcome": f.outcome.value, "because": f.because} for f in findings],
            **findings[-1].evidence,
        },
    )


def _unusable(outcomes: Outcomes | None) -> str:
    """Return why these outcomes are no measurement, or nothing where they are one."""
    if outcomes is None:
        return "the model was not scored"
    rows = len(outcomes.correct)
    if not rows:
        return "the model was scored on 0 rows"
    if not len(outcomes.row_id) == len(outcomes.label) == rows:
        sizes = f"{len(outcomes.row_id)} ids, {len(outcomes.label)} labels, {rows} outcomes"
        return f"the scored rows do not line up: {sizes}"
    without = rows - int(np.isin(outcomes.correct, (0, 1)).sum())
    return f"{without} of {rows} rows have no usable prediction" if without else ""


def _majority(outcomes: Outcomes) -> float:
    _, rows = np.unique(outcomes.label, return_counts=True)
    return float(rows.max() / rows.sum())


def _floor(observed: float, minimum: float) -> Finding:
    held = observed >= minimum
    why = f"accuracy {observed:.4f}, {'at least' if held else 'below the floor'} {minimum:g}"
    return Finding(outcome=Outcome.PASS if held else Outcome.FAIL, because=why)


def _better_than_guessing(observed: float, trivial: float) -> Finding:
    better = observed > trivial
    how = "above" if better else "no better than"
    why = f"accuracy {observed:.4f}, {how} always answering the majority class ({trivial:.4f})"
    return Finding(outcome=Outcome.PASS if better else Outcome.FAIL, because=why)


def _against(candidate: Outcomes, champion: Outcomes | None, margin: float) -> Finding:
    if champion is None:
        why = f"the first model: no champion to stay within {margin:g} of"
        return Finding(outcome=Outcome.PASS, because=why)
    name = f"champion {champion.model_digest[:12]}"
    rows = len(champion.correct)
    if rows and np.isnan(champion.correct).all() and not _other_rows(candidate, champion):
        why = (
            f"{name} could not be scored on any of {rows:,} rows, so no margin of {margin:g} was"
            " tested: judged by the floor and the majority class alone"
        )
        seen_of_it = {"champion": champion.model_digest, "champion_unscored": True}
        return Finding(outcome=Outcome.PASS, because=why, evidence=seen_of_it)
    unusable = _unusable(champion) or _other_rows(candidate, champion)
    if unusable:
        why = f"cannot compare with {name} (margin {margin:g}): {unusable}"
        return Finding(outcome=Outcome.INCONCLUSIVE, because=why)
    seen = paired_difference(candidate.correct, champion.correct)
    same = bool(candidate.model_digest) and candidate.model_digest == champion.model_digest
    outcome = Outcome.PASS if same else _non_inferiority(seen, margin)
    return Finding(
        outcome=outcome,
        because=f"this is the {name} itself" if same else _compared(seen, margin, outcome, name),
        evidence={
            "champion": champion.model_digest,
            "champion_accuracy": finite(np.mean(champion.correct)),
            "difference": seen.observed,
            "difference_lower": seen.lower,
            "difference_upper": seen.upper,
            "margin": margin,
            "only_candidate_right": seen.gained,
            "only_champion_right": seen.lost,
            "power_if_equal": power_if_equal(seen, margin),
            "rows_needed": rows_needed(seen, margin) if outcome is Outcome.INCONCLUSIVE else None,
        },
    )


def _other_rows(candidate: Outcomes, champion: Outcomes) -> str:
    if not np.array_equal(candidate.row_id, champion.row_id):
        return f"{len(candidate.row_id)} rows against {len(champion.row_id)}, not the same ones"
    if not np.array_equal(candidate.label, champion.label):
        return "the two were judged by different labels"
    return ""


def _non_inferiority(seen: PairedDifference, margin: float) -> Outcome:
    if seen.lower >= -margin:
        return Outcome.PASS
    return Outcome.FAIL if seen.upper < -margin else Outcome.INCONCLUSIVE


def _compared(seen: PairedDifference, margin: float, outcome: Outcome, name: str) -> str:
    bounds = f"95 % bounds {seen.lower:+.4f} and {seen.upper:+.4f}"
    why = f"{seen.observed:+.4f} against {name} on {seen.rows:,} rows, {bounds}, margin {margin:g}"
    if outcome is not Outcome.INCONCLUSIVE:
        return why
    needed = rows_needed(seen, margin)
    return f"{why}; about {needed:,} rows would decide" if needed else f"{why}; it sits on it"
