"""Holds an aggregate against the spec: its event table, and the entity's columns in a row."""

from mlplatform.features.declare import Aggregate
from mlplatform.features.load_columns import known_problem
from mlplatform.spec import PipelineSpec


def aggregate_problem(aggregate: Aggregate, spec: PipelineSpec) -> str | None:
    """Return what the spec lacks for this aggregate, or None.

    Of events that are the pipeline's own rows it may read what is known only after a row's event,
    the label too, where it is known from when: by `known_at` of the column, or by the commit.
    """
    from mlplatform.features.aggregates.build import problem

    if aggregate.name in spec.columns:
        return "a column has this name; give the aggregate another"
    return (
        problem(spec, aggregate)
        or _own_problem(aggregate, spec)
        or _entity_problem(aggregate, spec)
    )


def _own_problem(aggregate: Aggregate, spec: PipelineSpec) -> str | None:
    """Hold what it reads of the pipeline's own rows against what the spec says of their columns."""
    from mlplatform.features.aggregates.events import needed_columns

    if spec.events[aggregate.events].source is not None:
        return None
    for column in needed_columns([aggregate]):
        if column in spec.unused:
            return f"it needs {column!r}, which the spec leaves unused: {spec.unused[column]}"
        problem = _peeks(aggregate.events, column, spec)
        if problem:
            return problem
    return None


def _peeks(events: str, column: str, spec: PipelineSpec) -> str | None:
    """An event's `known_at` says nothing of a column that is known later than the event.

    The commit does: what it brought was known by then.
    """
    known_at = spec.events[events].known_at
    if known_at is None or column in spec.known_at:
        return None
    if column == spec.label.column:
        why = "is the label"
    elif column == spec.label.weight:
        why = "is what rows weigh in training"
    elif column in spec.known_after:
        why = f"is known only after the event: {spec.known_after[column]}"
    else:
        return None
    return (
        f"it needs {column!r} of events {events!r}, which {why}; {known_at!r} does not say when: "
        f"declare known_at: {{{column}: the timestamp column that does}}"
    )


def _entity_problem(aggregate: Aggregate, spec: PipelineSpec) -> str | None:
    declared = spec.events[aggregate.events]
    columns = spec.columns if declared.source is None else declared.columns
    for event, row in aggregate.entity:
        problem = known_problem(row, spec)
        if problem:
            return f"its entity needs {row!r} of the row, {problem}"
        if columns[event] != spec.columns[row]:
            kinds = f"{columns[event]} in the events and {spec.columns[row]} in the row"
            return f"its entity {row!r} is {kinds}; both must be of one type"
    return None
