"""Holds a column against the spec: there, known when a prediction is asked for, of the right type."""

from collections.abc import Sequence

from mlplatform.features.declare import Feature
from mlplatform.spec import PipelineSpec
from mlplatform.spec.events import Events

TIMES = "; Datetime and Elapsed take times"


def known_problem(column: str, spec: PipelineSpec) -> str | None:
    """Return why no prediction can be asked with this column, or None if one can."""
    if column not in spec.columns:
        return f"which is no column; columns: {', '.join(spec.columns)}"
    if column == spec.label.column:
        return "which is the label"
    if column == spec.label.weight:
        return "which is what rows weigh in training (label.weight)"
    if column in spec.unused:
        return f"which the spec leaves unused: {spec.unused[column]}"
    if column in spec.known_after:
        return f"which is known only after the event: {spec.known_after[column]}"
    return None


def later_time(events: Events, column: str, spec: PipelineSpec) -> str | None:
    """Return the timestamp column by which an event's `column` is known, or None if with the event.

    An aggregate that reads it counts the event from the later of that and the event's `known_at`.
    """
    time = spec.known_at.get(column) if events.source is None else None
    return None if time == events.known_at else time


def column_problem(
    feature: Feature, column: str, takes: Sequence[str], spec: PipelineSpec
) -> str | None:
    """Return why the feature cannot read this column, of which it takes some types, or None if it can."""
    problem = known_problem(column, spec)
    if problem:
        return problem
    kind = spec.columns[column]
    if kind.partition("[")[0] in takes:
        return None
    shown = " or ".join("vector[N]" if each == "vector" else each for each in takes)
    cure = TIMES if kind == "timestamp" else ""
    return f"which is {kind}; {type(feature).__name__} takes {shown}{cure}"
