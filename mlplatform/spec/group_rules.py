"""Which columns can be groups, and which limits of fairness mean something for a label."""

from collections.abc import Sequence

from mlplatform.spec.label import Label
from mlplatform.spec.performance_gates import CRITERIA, JUDGED, FairnessGate


def misfit(policy: FairnessGate, label: Label, groups: Sequence[str]) -> str:
    """Return in one line what is wrong with the groups or never judged of them; empty if nothing."""
    if label.column in groups:
        return f"groups names the label {label.column!r}; every model tells its classes apart"
    twice = next((name for name in groups if groups.count(name) > 1), None)
    if twice:
        return f"groups names the column {twice!r} twice; name it once"
    return _never_judged(policy, label)


def _never_judged(policy: FairnessGate, label: Label) -> str:
    said = {name: getattr(policy, name) for name in policy.model_fields_set if name in CRITERIA}
    within = {
        f"intersections.{name}": limit for name, limit in (policy.intersections or {}).items()
    }
    for name, limit in {**said, **within}.items():
        field = name.rpartition(".")[2]
        if limit is not None and field in CRITERIA and field not in JUDGED[label.task]:
            where = f"model_gates.fairness.{name}"
            judged = ", ".join(JUDGED[label.task])
            return f"{where} is never judged of a {label.task} label; remove it; judged: {judged}"
    return ""
