"""Metrics that a policy may name, by what is predicted, and which way each is better."""

from collections.abc import Mapping
from typing import Literal

from mlplatform.spec.label import Kind, Label
from mlplatform.spec.margins import margin_misfit, not_within
from mlplatform.spec.performance_gates import MetricRule, PerformanceGate

Answer = Literal["binary", "multiclass", "numbers", "quantiles"]

NAMES: Mapping[Answer, tuple[str, ...]] = {
    "binary": (
        *("accuracy", "precision", "recall", "f1", "auc", "average_precision"),
        *("log_loss", "brier"),
    ),
    "multiclass": ("accuracy", "macro_f1", "log_loss", "brier"),
    "numbers": ("rmse", "mae"),
    "quantiles": ("pinball",),
}
SMALLER_IS_BETTER = frozenset({"log_loss", "brier", "rmse", "mae", "pinball"})
# Judged where a policy names none, each with the margin that a rule has by itself.
DEFAULTS: Mapping[Answer, tuple[str, ...]] = {
    "binary": ("accuracy", "auc"),
    "multiclass": ("accuracy",),
    "numbers": ("rmse",),
    "quantiles": ("pinball",),
}


MOST = 1.0  # Of a metric that is a share of something.
UNBOUNDED = frozenset({"log_loss", "rmse", "mae", "pinball"})
SQUARES = 2.0  # The worst Brier score of several classes; of two it is a share.
NATS = 1.0  # Of log loss: a margin beyond it is more than a coin costs.


def answer(task: Kind, *, quantiles: bool) -> Answer:
    """Return what models of this task answer with."""
    if task == "regression":
        return "quantiles" if quantiles else "numbers"
    return task


def rules(policy: PerformanceGate, of: Answer) -> dict[str, MetricRule]:
    """Return the metrics that a policy asks for, in its order, or those asked for by default."""
    return policy.metrics or {name: MetricRule() for name in DEFAULTS[of]}


def misfit(policy: PerformanceGate, label: Label) -> str:
    """Return in one line what the policy asks for that this label does not have; empty if nothing."""
    of = answer(label.task, quantiles=bool(label.quantiles))
    for name, rule in policy.metrics.items():
        if name not in NAMES[of]:
            known = ", ".join(NAMES[of])
            return f"model_gates.performance.metrics names {name!r}; known for this label: {known}"
        smaller = name in SMALLER_IS_BETTER
        if (rule.minimum if smaller else rule.maximum) is not None:
            wrong, right = ("minimum", "maximum") if smaller else ("maximum", "minimum")
            better = "smaller" if smaller else "larger"
            where = f"model_gates.performance.metrics.{name}.{wrong}"
            return f"{where}: {name} is better when {better}; set {right}"
        if said := _out_of_range(name, rule, of):
            return f"model_gates.performance.metrics.{name}.{said}"
    return ""


def _out_of_range(name: str, rule: MetricRule, of: Answer) -> str:
    """Return which value of a rule no metric of this name can have, and what to write; empty if none."""
    field, value = "minimum", rule.minimum
    if value is None:
        field, value = "maximum", rule.maximum
    if value is not None and name in UNBOUNDED and value < 0:
        return f"{field}: {value:g} is below 0, which {name} never is; write a number of at least 0"
    most = SQUARES if (name, of) == ("brier", "multiclass") else MOST
    if value is not None and name not in UNBOUNDED and not 0 <= value <= most:
        return f"{field}: {not_within(value, most)}"
    if rule.margin is None:
        return ""
    if name == "log_loss":
        most, of_what = NATS, "nat, more than tossing a coin costs"
        too_wide = f"margin: {rule.margin:g} is more than {most:g} {of_what}; nothing would be a regression"
        return too_wide if rule.margin > most else ""
    said = margin_misfit(rule.margin)
    return f"margin: {said}" if said else ""


def baseline_misfit(
    policy: PerformanceGate, event_time: str | None, columns: Mapping[str, str]
) -> str:
    """Return in one line what the trivial baseline reads that the pipeline lacks; empty if nothing."""
    baseline = policy.baseline
    if baseline.kind == "last_value" and not event_time:
        return "model_gates.performance.baseline is 'last_value'; name the timestamp column in event_time"
    if baseline.entity is not None and baseline.entity not in columns:
        known = ", ".join(columns)
        where = "model_gates.performance.baseline.entity"
        return f"{where} names the column {baseline.entity!r}; columns: {known}"
    return ""
