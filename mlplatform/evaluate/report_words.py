"""How the report page writes numbers, and what is called better."""

import math
from collections.abc import Mapping

LESS_IS_BETTER = frozenset({"log_loss", "brier", "calibration_error", "interval_width"}) | {
    *("rmse", "mae", "pinball")
}
NEAR_ZERO_IS_BETTER = frozenset({"bias", "coverage_gap"})
OF_THE_ROWS = frozenset({"rows", "positive_share", "coverage"})  # Neither better nor worse.
IN_THE_LABELS_UNIT = frozenset({"rmse", "mae", "bias", "pinball", "interval_width"})
NAMES: Mapping[str, str] = {
    "auc": "AUC",
    "macro_auc": "AUC, mean over classes",
    "f1": "F1",
    "macro_f1": "F1, mean over classes",
    "average_precision": "Average precision",
    "log_loss": "Log loss",
    "brier": "Brier score",
    "rmse": "Root mean square error",
    "mae": "Mean absolute error",
    "r2": "R²",
    "pinball": "Pinball loss",
}
NONE = "n/a"
SMALLEST = 0.0001  # Of shares and losses in nats: all are as good as nothing below it.


def number(value: float | None) -> str:
    """Return a number as people read it: four significant digits, thousands set apart."""
    if value is None or not math.isfinite(value):
        return NONE
    if 0 < abs(value) < SMALLEST:
        return f"under {SMALLEST}"
    if value == int(value):
        return f"{int(value):,}"
    return f"{value:.4g}" if abs(value) < 1000 else f"{value:,.0f}"


def measure(metric: str, value: float | None) -> str:
    """Return a metric's value; in the label's unit, whatever that is, no number is nothing."""
    if metric in IN_THE_LABELS_UNIT and value and math.isfinite(value) and abs(value) < SMALLEST:
        return f"{value:.3g}"
    return number(value)


def signed(metric: str, value: float) -> str:
    """Return a difference of two values of a metric."""
    if not math.isfinite(value):
        return NONE
    return f"{value:+.4g}" if metric in IN_THE_LABELS_UNIT else f"{value:+.4f}"


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
