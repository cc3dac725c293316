"""How the report writes numbers, intervals and outcomes, and what is called better."""

import math
from collections.abc import Mapping
from typing import Any

from mlplatform.verdict import Outcome, Severity, Verdict

LESS_IS_BETTER = frozenset({"log_loss", "brier", "calibration_error", "interval_width"}) | {
    *("rmse", "mae", "pinball", "false_positive_rate", "false_negative_rate", "accuracy_gap"),
    *("equalized_odds", "demographic_parity"),
}
NEAR_ZERO_IS_BETTER = frozenset({"bias", "coverage_gap"})
# Neither better nor worse.
OF_THE_ROWS = frozenset({"rows", "positive_share", "coverage", "selection_rate"})
IN_THE_LABELS_UNIT = frozenset({"rmse", "mae", "bias", "pinball", "interval_width"})
NAMES: Mapping[str, str] = {
    "auc": "AUC",
    "macro_auc": "AUC, mean over classes",
    "f1": "F1",
    "macro_f1": "F1, mean over classes",
    "average_precision": "Average precision",
    "pr_auc": "Area under precision-recall",
    "log_loss": "Log loss",
    "brier": "Brier score",
    "rmse": "Root mean square error",
    "mae": "Mean absolute error",
    "r2": "R²",
    "pinball": "Pinball loss",
}
NONE = "n/a"
FOUND = "found on one half of the rows, measured on the other"  # Of weak slices.
MINUS = "\N{MINUS SIGN}"
SMALLEST = 0.0001  # Of shares and losses in nats: all are as good as nothing below it.
# A sign beside the word: an outcome is never told by colour alone.
MARK = {Outcome.PASS: "✓", Outcome.FAIL: "✕", Outcome.INCONCLUSIVE: "?"}


def number(value: float | None) -> str:
    """Return a number as people read it: four significant digits, thousands set apart."""
    if value is None or not math.isfinite(value):
        return NONE
    if 0 < abs(value) < SMALLEST:
        return f"under {SMALLEST}" if value > 0 else f"over {MINUS}{SMALLEST}"
    if value == int(value):
        return typeset(f"{int(value):,}")
    return typeset(f"{value:.4g}" if abs(value) < 1000 else f"{value:,.0f}")


def measure(metric: str, value: float | None) -> str:
    """Return a metric's value; in the label's unit, whatever that is, no number is nothing."""
    if metric in IN_THE_LABELS_UNIT and value and math.isfinite(value) and abs(value) < SMALLEST:
        return typeset(f"{value:.3g}")
    return number(value)


def interval(lower: float | None, upper: float | None) -> str:
    """Return an interval as "0.921 to 0.943", or nothing where a bound is missing."""
    if lower is None or upper is None or not math.isfinite(upper - lower):
        return ""
    return f"{_bound(lower)} to {_bound(upper)}"


def _bound(value: float) -> str:
    rough = 0.01 <= abs(value) < 10 or value == 0
    return typeset(f"{value:.3f}") if rough else number(float(f"{value:.3g}"))


def typeset(number: str) -> str:
    """Return a number with a minus sign in place of a hyphen."""
    return number.replace("-", MINUS)


def signed(metric: str, value: float | None) -> str:
    """Return a difference of two values of a metric."""
    if value is None or not math.isfinite(value):
        return NONE
    return typeset(f"{value:+.4g}" if metric in IN_THE_LABELS_UNIT else f"{value:+.4f}")


def reading(metric: str, mine: float, theirs: float) -> str:
    """Return whether a metric is better or worse than the champion's."""
    if not math.isfinite(mine - theirs):
        return "not comparable"
    if metric in NEAR_ZERO_IS_BETTER:
        mine, theirs = -abs(mine), -abs(theirs)
    if mine == theirs:
        return "equal"
    return "better" if (mine < theirs) == (metric in LESS_IS_BETTER) else "worse"


def name(metric: str) -> str:
    """Return what a metric is called."""
    return NAMES.get(metric, metric.replace("_", " ").capitalize())


def outcome_of(said: object) -> Outcome:
    """Return an outcome as evidence writes it; what cannot be read is no pass."""
    try:
        return Outcome(str(said))
    except ValueError:
        return Outcome.INCONCLUSIVE


def said(outcome: Outcome) -> str:
    """Return an outcome as its sign and its word."""
    return f"{MARK[outcome]} {outcome.value.capitalize()}"


def severity(verdict: Verdict) -> str:
    """Return what a verdict does to the release, a pass what it would do were it none."""
    if verdict.severity is Severity.WARN:
        return "warns"
    return "blocks" if verdict.passed or verdict.stops else "let through by policy"


def slice_name(row: Mapping[str, Any]) -> str:
    """Return what a slice is called; one that was found bears the name of a group, and is of fewer rows."""
    found = f", {FOUND}" if row.get("kind") == "weak" else ""
    return f"{row.get('slice', '?')}{found}"
